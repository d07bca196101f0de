"""Pages in a real browser without a window. Used by check_report.py and check_site.py."""
import shutil
import subprocess
import sys
import tempfile

program = shutil.which("chromium") or shutil.which("google-chrome")
if not program:
    sys.exit(f"{sys.argv[0]}: no chromium found; install Debian's package `chromium`")
scratch = tempfile.TemporaryDirectory()


def chromium(*flags, page):
    """What the browser prints of a file."""
    # No network, no profile of the user's; a container has no sandbox and little /dev/shm.
    command = [
        program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={scratch.name}/profile", *flags, "file://" + page]
    done = subprocess.run(command, capture_output=True, timeout=180)
    assert done.returncode == 0, f"chromium ended with {done.returncode}: {done.stderr.decode()[-2000:]}"
    return done.stdout.decode()
