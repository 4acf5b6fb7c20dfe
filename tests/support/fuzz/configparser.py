"""Reads a `dev.ini` as the AWS IoT OTA deployment tool does: one case a line, one answer a line, both JSON.

A case is the text of a file. Its answer is the values by section and key (`null` for one that cannot be
interpolated), or `null` for a file that `configparser` refuses.
"""

import configparser
import io
import json
import signal
import sys


class TooSlow(Exception):
    pass


def too_slow(*_):
    raise TooSlow


def values(parser, section):
    def value(key):
        try:
            return parser.get(section, key)
        except configparser.InterpolationError:
            return None

    return {key: value(key) for key in (parser.defaults() if section == "DEFAULT" else parser[section])}


def read(text):
    parser = configparser.ConfigParser()
    # References may multiply without end.
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        # As `open` does: any end of a line is one.
        parser.read_file(io.StringIO(text, newline=None))
        return {section: values(parser, section) for section in ["DEFAULT", *parser.sections()]}
    except (configparser.Error, TooSlow, RecursionError):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


signal.signal(signal.SIGALRM, too_slow)
for line in sys.stdin:
    print(json.dumps(read(json.loads(line))), flush=True)
