#!/usr/bin/env python3
"""Runs the fuzzer on one reader after the other and prints a table: run.py FUZZER [--target NAME] [--seconds N]...

Each reader gets so many executions or seconds, whichever is over first. Inputs that reach new code are kept below
--work; what crashes a reader, takes longer than ten seconds or too much memory is kept there, too, named in the table,
and makes the exit code 1. Replay one with: FUZZ_TARGET=NAME FUZZER FILE.
"""
import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Readers open files, a new one for each input.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else os.environ.get("TMPDIR", "/tmp")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fuzzer", type=Path)
    parser.add_argument("--target", action="append", help="one reader; may be repeated (all of them)")
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, default=HERE / ".work")
    options = parser.parse_args()
    options.fuzzer, options.work = options.fuzzer.resolve(), options.work.resolve()
    return options


def targets(fuzzer):
    """Names and the most bytes worth trying, as the fuzzer lists them."""
    text = subprocess.run([fuzzer], capture_output=True, text=True, check=True).stdout
    return dict((name, int(largest)) for name, largest in (line.split() for line in text.splitlines()))


def once(fuzzer, name, largest, runs, seconds, work):
    """One process: it ends with the first finding. Returns executions, edges, and what was found."""
    kept, found = work / "corpus" / name, work / "found" / name
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, FUZZ_TARGET=name, SWIFT_BACKTRACE="enable=no", TMPDIR=MEMORY)
    environment["ASAN_OPTIONS"] = "detect_leaks=0:handle_sigill=1"
    command = [
        fuzzer, f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={largest}", "-timeout=10",
        "-rss_limit_mb=2500", "-malloc_limit_mb=1500", f"-dict={HERE / 'dictionary.txt'}",
        f"-artifact_prefix={found}/", "-print_final_stats=1", kept, HERE / "Corpus" / name,
    ]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    said = run.stderr
    progress = re.findall(r"#(\d+)\t\w+ +cov: (\d+) ft: (\d+)", said)
    done = re.findall(r"stat::number_of_executed_units: *(\d+)", said)
    executions = int(done[-1]) if done else int(progress[-1][0]) if progress else 0
    edges = int(progress[-1][1]) if progress else 0
    if run.returncode == 0:
        return executions, edges, None
    artifact = re.findall(r"written to (\S+)", said)
    what = re.findall(r"(Fatal error: [^\n]*|SUMMARY: [^\n]*|ERROR: [^\n]*)", said)
    frames = re.findall(r"#\d+ 0x\w+ in (\$s\S+)", said)[:3]
    place = artifact[-1] if artifact else "no file"
    Path(str(found / (Path(place).name + ".log"))).write_text(said[-30000:])
    return executions, edges, f"{place}: {what[0] if what else said[-200:]} {' < '.join(frames)}"


def fuzz(options, name, largest):
    end, runs, edges, findings = time.time() + options.seconds, 0, 0, []
    while runs < options.runs and time.time() < end and len(findings) < 20:
        left = max(1, int(end - time.time()))
        more, covered, finding = once(options.fuzzer, name, largest, options.runs - runs, left, options.work)
        runs, edges = runs + more, max(edges, covered)
        if not finding:
            break
        findings.append(finding)
    return runs, edges, findings


def main():
    options = arguments()
    known = targets(options.fuzzer)
    for name in options.target or []:
        if name not in known:
            sys.exit(f"fuzz: expected a reader of {', '.join(known)}; found {name}")
    failed = False
    print(f"{'reader':<18}{'executions':>11}{'seconds':>9}{'edges':>8}  findings", flush=True)
    for name in options.target or known:
        start = time.time()
        runs, edges, findings = fuzz(options, name, known[name])
        print(f"{name:<18}{runs:>11}{time.time() - start:>9.0f}{edges:>8}  {len(findings)}", flush=True)
        for finding in findings:
            print(f"  {finding}", flush=True)
        failed = failed or bool(findings)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
