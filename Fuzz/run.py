#!/usr/bin/env python3
"""Runs the fuzzer on every reader and prints a table: run.py FUZZER [--target NAME] [--seconds N] [--jobs N]...

Each reader gets so many executions or seconds of a processor, whichever is over first; on a busy machine that takes
longer by the clock. Inputs that reach new code are kept below --work; what crashes a reader, needs more than ten such
seconds or too much memory is kept there, too, named in the table, and makes the exit code 1. Replay one with:
FUZZ_TARGET=NAME FUZZER FILE.

What each reader got so far is kept in totals.json below --work: started again, the same fuzzer goes on from there, and
one that was built anew starts over with the inputs of the one before it.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Readers open files, a new one for each input.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else os.environ.get("TMPDIR", "/tmp")

# The fuzzer's exit code after Ctrl-C, which every process of the terminal gets.
INTERRUPTED = 72
stopped = threading.Event()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fuzzer", type=Path)
    parser.add_argument("--target", action="append", help="one reader; may be repeated (all of them)")
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=1, help="readers at a time")
    parser.add_argument("--work", type=Path, default=HERE / ".work")
    options = parser.parse_args()
    options.fuzzer, options.work = options.fuzzer.resolve(), options.work.resolve()
    return options


def targets(fuzzer):
    """Names and the most bytes worth trying, as the fuzzer lists them."""
    text = subprocess.run([fuzzer], capture_output=True, text=True, check=True).stdout
    return dict((name, int(largest)) for name, largest in (line.split() for line in text.splitlines()))


def process(command, name):
    """Runs a reader. Returns its exit code, what it said, and the seconds of a processor that it took."""
    environment = dict(os.environ, FUZZ_TARGET=name, SWIFT_BACKTRACE="enable=no", TMPDIR=MEMORY)
    # Little is kept of memory that was freed and of who took it: twice the executions in the same time.
    environment["ASAN_OPTIONS"] = "detect_leaks=0:handle_sigill=1:quarantine_size_mb=8:malloc_context_size=3"
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return child.returncode, said.read().decode(errors="replace"), usage.ru_utime + usage.ru_stime


def hangs(fuzzer, name, artifact):
    """Whether an input needs ten seconds of a processor. The fuzzer counts those that it waited for one, too."""
    return process(["prlimit", "--cpu=10", fuzzer, "-timeout=0", artifact], name)[0] != 0


def once(fuzzer, name, largest, runs, seconds, work):
    """One process: it ends with the first finding. Returns executions, seconds, edges, and what was found."""
    kept, found = work / "corpus" / name, work / "found" / name
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    code, said, spent = process([
        fuzzer, f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={largest}", "-timeout=10",
        "-rss_limit_mb=2500", "-malloc_limit_mb=1500", f"-dict={HERE / 'dictionary.txt'}", f"-artifact_prefix={found}/",
        "-print_final_stats=1", kept, HERE / "Corpus" / name,
    ], name)
    progress = re.findall(r"#(\d+)\t\w+ +cov: (\d+) ft: (\d+)", said)
    done = re.findall(r"stat::number_of_executed_units: *(\d+)", said)
    executions = int(done[-1]) if done else int(progress[-1][0]) if progress else 0
    edges = int(progress[-1][1]) if progress else 0
    if code == INTERRUPTED:
        stopped.set()
    if code in (0, INTERRUPTED):
        return executions, spent, edges, None
    artifact = re.findall(r"written to (\S+)", said)
    place = artifact[-1] if artifact else "no file"
    if "/timeout-" in place and not hangs(fuzzer, name, place):
        os.unlink(place)
        return executions, spent, edges, None
    what = re.findall(r"(Fatal error: [^\n]*|SUMMARY: [^\n]*|ERROR: [^\n]*)", said)
    frames = re.findall(r"#\d+ 0x\w+ in (\$s\S+)", said)[:3]
    Path(str(found / (Path(place).name + ".log"))).write_text(said[-30000:])
    return executions, spent, edges, f"{place}: {what[0] if what else said[-200:]} {' < '.join(frames)}"


class Totals:
    """Executions, seconds, edges and findings of each reader, kept in a file for the build they belong to."""

    def __init__(self, fuzzer, work):
        self.path, self.lock = work / "totals.json", threading.Lock()
        self.build = hashlib.sha256(fuzzer.read_bytes()).hexdigest()
        try:
            kept = json.loads(self.path.read_text())
        except FileNotFoundError:
            kept = {}
        self.readers = kept["readers"] if kept.get("build") == self.build else {}

    def of(self, name):
        return self.readers.get(name, {"executions": 0, "seconds": 0, "edges": 0, "findings": []})

    def add(self, name, executions, seconds, edges, finding):
        with self.lock:
            total = self.of(name)
            self.readers[name] = {
                "executions": total["executions"] + executions,
                "seconds": total["seconds"] + seconds,
                "edges": max(total["edges"], edges),
                "findings": total["findings"] + [finding] * bool(finding),
            }
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps({"build": self.build, "readers": self.readers}, indent=1))
            fresh.replace(self.path)


def fuzz(options, totals, name, largest):
    """Goes on with a reader until it has its executions or seconds, in pieces of two minutes. Returns its totals."""
    while True:
        total = totals.of(name)
        runs, seconds = options.runs - total["executions"], options.seconds - total["seconds"]
        if runs <= 0 or seconds <= 0 or len(total["findings"]) >= 20 or stopped.is_set():
            return total
        totals.add(name, *once(options.fuzzer, name, largest, runs, min(120, int(seconds) + 1), options.work))


def main():
    options = arguments()
    known = targets(options.fuzzer)
    for name in options.target or []:
        if name not in known:
            sys.exit(f"fuzz: expected a reader of {', '.join(known)}; found {name}")
    options.work.mkdir(parents=True, exist_ok=True)
    first = next(iter(known))
    if once(options.fuzzer, first, known[first], 1, 60, options.work)[2] == 0:
        sys.exit("fuzz: no edges are counted; the fuzzer was built without them and cannot tell what is new")
    totals = Totals(options.fuzzer, options.work)
    names = options.target or list(known)
    failed = False
    print(f"{'reader':<18}{'executions':>11}{'seconds':>9}{'edges':>8}  findings", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, total in zip(names, pool.map(lambda name: fuzz(options, totals, name, known[name]), names)):
            executions, seconds, edges, findings = total.values()
            print(f"{name:<18}{executions:>11}{seconds:>9.0f}{edges:>8}  {len(findings)}", flush=True)
            for finding in findings:
                print(f"  {finding}", flush=True)
            failed = failed or bool(findings)
    sys.exit(130 if stopped.is_set() else 1 if failed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("fuzz: stopped; started again, it goes on")
