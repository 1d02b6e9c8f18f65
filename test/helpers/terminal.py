"""Runs a command on a pseudo-terminal of its own, as its controlling terminal.

    terminal.py COLUMNS ROWS FILE [ARGUMENT...]

Orders come as JSON lines on stdin: {"keys": BASE64} and {"size": [COLUMNS, ROWS]}. Events go as JSON lines to
stdout: {"pid": PID}, {"screen": BASE64}, and the last one {"code": N or null, "signal": NAME or null}. When stdin
ends, the terminal is closed, as a terminal window is.
"""

import base64
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def tell(event):
    os.write(1, (json.dumps(event) + "\n").encode())


def read_screen(master):
    """Passes on what is there; False when nobody holds the terminal any more."""
    try:
        screen = os.read(master, 65536)
    except OSError:
        return False
    if screen:
        tell({"screen": base64.b64encode(screen).decode()})
    return bool(screen)


def obey(line, master):
    order = json.loads(line)
    if "keys" in order:
        os.write(master, base64.b64decode(order["keys"]))
    if "size" in order:
        set_size(master, *order["size"])


def main():
    columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    pid, master = pty.fork()
    if pid == 0:
        try:
            # Python ignores it, and an exec would hand that on.
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            set_size(0, columns, rows)
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    tell({"pid": pid})
    ended = os.pidfd_open(pid)
    poll = select.poll()
    for fd in (0, master, ended):
        poll.register(fd, select.POLLIN | select.POLLHUP)
    pending = b""
    while True:
        ready = [fd for fd, _ in poll.poll()]
        if master in ready and not read_screen(master):
            poll.unregister(master)
        if ended in ready:
            break
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                obey(line, master)
    _, status = os.waitpid(pid, 0)
    while select.select([master], [], [], 0)[0] and read_screen(master):
        pass
    if os.WIFSIGNALED(status):
        tell({"code": None, "signal": signal.Signals(os.WTERMSIG(status)).name})
    else:
        tell({"code": os.WEXITSTATUS(status), "signal": None})


main()
