#!/usr/bin/env python3
"""Rules of the tree that the compiler does not hold: who includes whom, what pure rooms never do, what C never names.

    tidy.py CHECK --root DIR [--build DIR]

Prints one line per offence, "FILE:LINE: what is wrong, what to do instead", and exits 1 if there was one.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

# ---------------------------------------------------------------------------------------------------------------------
# Rooms. The longest prefix of a file's path decides where it belongs; the second column is what it may include
# (ARCHITECTURE.md, "Rooms"). None: everything.

ENGINE = {"base", "calendar", "chart", "casework", "store", "runtime", "proto", "wire", "daemon"}
ROOMS = {
    "engine/base": ("base", set()),
    "engine/calendar": ("calendar", {"base"}),
    "engine/chart": ("chart", {"base"}),
    "engine/casework": ("casework", {"base", "calendar", "chart"}),
    "engine/store": ("store", {"base"}),
    "engine/runtime": ("runtime", {"base", "calendar", "chart", "casework", "store", "proto"}),
    "engine/wire": ("wire", {"base", "proto"}),
    "engine": ("daemon", ENGINE),  # kuratord.c and engine/daemon
    "proto": ("proto", {"base"}),
    "adapters/link": ("link", {"base", "proto", "wire"}),
    "adapters": (None, {"base", "proto", "wire", "link", "exchange"}),
    "agents": (None, {"base", "proto", "wire", "link"}),
    "ops": (None, None),
    "tests": (None, None),
}
PURE = ("calendar", "chart", "casework")

# Headers of libraries that one room keeps to itself; tests and benchmarks may look underneath.
KEPT_HEADERS = {
    "lmdb.h": {"store"},
    "zmq.h": {"wire"},
    "jansson.h": {"base"},
    "lua.h": {"chart"},
    "libxml/": {"chart"},
    "protobuf-c/": {"proto"},
}
# The command that checks charts against the schema needs the catalogue of libxml2, which no pure room may touch.
EXEMPT_FROM_KEPT = ("tests/", "ops/bench/", "ops/cli/chart_schema.c")
WITHOUT_LOOP = {"base", *PURE}  # no uv.h

# What a pure room never calls: clocks, randomness, files, the environment, other processes, the terminal.
IMPURE_CALLS = set(
    """
    time clock clock_gettime gettimeofday timespec_get localtime localtime_r gmtime gmtime_r mktime ctime nanosleep sleep
    usleep rand rand_r srand random srandom drand48 lrand48 mrand48 getrandom getentropy arc4random arc4random_buf
    randombytes_buf randombytes_random randombytes_uniform
    fopen fdopen freopen fclose open openat creat close read write pread pwrite fread fwrite fgets fgetc getc getchar
    getline fputs fputc putc putchar puts printf vprintf fprintf vfprintf perror opendir readdir stat fstat lstat access
    unlink rename mkdir mkstemp tmpfile getenv secure_getenv setenv putenv system popen fork execve execvp socket connect
    log_line xmlReadFile xmlParseFile xmlSaveFile luaL_openlibs luaopen_io luaopen_os luaopen_package luaL_loadfilex
    """.split()
)
IMPURE_DATA = {"stdin", "stdout", "stderr", "environ"}

SOURCE_FOLDERS = ("engine", "proto", "adapters", "agents", "ops", "tests")
DOCUMENTS = ("ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "LICENSE")

# Words of config/ that are also words of the engine itself, each with the reason why it may stand in C.
SHARED_WORDS = {
    "referral": "the engine knows cases that are offered to somebody; which process they run is configuration",
    "report": "a command of kurator; what reports there are is configuration",
    "agent": "a role on the query socket",
    "operator": "a role on the query socket",
}


# ---------------------------------------------------------------------------------------------------------------------
# Reading C

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<char>'(?:[^'\\\n]|\\.)*')""", re.S
)


def blank(match):
    """As many lines as before, and nothing else."""
    return "\n" * match.group(0).count("\n")


def without_comments(source):
    return TOKEN.sub(lambda m: blank(m) if m.lastgroup == "comment" else m.group(0), source)


def without_comments_and_texts(source):
    return TOKEN.sub(lambda m: blank(m) if m.lastgroup == "comment" else '""', source)


def texts(source):
    """(line, content) of every string literal; the file names of #include are none."""
    for match in TOKEN.finditer(source):
        if match.lastgroup == "text":
            start = source.rfind("\n", 0, match.start()) + 1
            if not re.match(r"\s*#\s*include\b", source[start : match.start()]):
                yield source.count("\n", 0, match.start()) + 1, match.group(0)[1:-1]


def c_files(root, *folders):
    for folder in folders:
        for path, folders_below, files in os.walk(os.path.join(root, folder)):
            folders_below[:] = sorted(f for f in folders_below if not f.startswith(".") and f not in ("build", "__pycache__"))
            for name in sorted(files):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(path, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def read_if_there(root, path):
    return read(root, path) if os.path.exists(os.path.join(root, path)) else ""


def folder_of(path):
    """The row of ROOMS that a file belongs to."""
    fitting = [prefix for prefix in ROOMS if path.startswith(prefix + "/")]
    return max(fitting, key=len) if fitting else None


# ---------------------------------------------------------------------------------------------------------------------
# Includes


def room_of_header(header):
    """The room that a quoted header names by its first folder; None for a file of the same folder."""
    if "/" not in header:
        return None
    first = header.split("/")[0]
    return "proto" if first == "kurator" else first


def offence_of_quoted(path, header):
    room, allowed = ROOMS[folder_of(path)]
    named = room_of_header(header)
    if named is None or allowed is None or named == room or named in allowed:
        return None
    who = room or folder_of(path)
    return (
        f"{who} must not include {header} (it may include {', '.join(sorted(allowed)) or 'no other room'}): "
        "move the code to the room that may, or pass what is needed in as a value or a port"
    )


def offence_of_library(path, header):
    room = ROOMS[folder_of(path)][0]
    if header == "uv.h" and room in WITHOUT_LOOP:
        return "uv.h in a room without a loop: time and input arrive as arguments here; the loop lives in wire and above"
    if path.startswith(EXEMPT_FROM_KEPT):
        return None
    for kept, owners in KEPT_HEADERS.items():
        if (header == kept or (kept.endswith("/") and header.startswith(kept))) and room not in owners:
            return f"only {', '.join(sorted(owners))} includes {kept}: use that room's own header instead"
    return None


def check_includes(root, _build):
    directive = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)
    for path in c_files(root, *SOURCE_FOLDERS):
        source = without_comments(read(root, path))
        for match in directive.finditer(source):
            quoted, library = match.groups()
            offence = offence_of_quoted(path, quoted) if quoted else offence_of_library(path, library)
            if quoted and not offence:
                offence = offence_of_library(path, quoted)
            if offence:
                yield f"{path}:{source.count(chr(10), 0, match.start(1 if quoted else 2)) + 1}: {offence}"


# ---------------------------------------------------------------------------------------------------------------------
# Purity


def impure_calls(root, room):
    call = re.compile(r"(?<![\w.>])(\w+)\s*\(")
    for path in c_files(root, f"engine/{room}"):
        source = without_comments_and_texts(read(root, path))
        for match in call.finditer(source):
            if match.group(1) in IMPURE_CALLS:
                line = source.count("\n", 0, match.start()) + 1
                yield (
                    f"{path}:{line}: {room} is pure and must not call {match.group(1)}: take time, ids and bytes as "
                    "arguments, give results back as values"
                )


def plain_symbol(name):
    """`__fprintf_chk@GLIBC_2.3.4` → fprintf."""
    name = name.split("@")[0]
    fortified = re.fullmatch(r"__(\w+)_chk", name)
    return fortified.group(1) if fortified else name


def symbols(archive):
    """(object, name, class letter, section) of each symbol in an archive."""
    listing = subprocess.run(["nm", "--format=sysv", archive], capture_output=True, text=True, check=True).stdout
    member = ""
    for line in listing.splitlines():
        header = re.match(r".*\[(.+)\]:$", line)
        if header:
            member = header.group(1)
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 7:
            yield member, columns[0], columns[2], columns[6]


def is_instrumentation(name):
    return name.startswith(("__asan_", "__odr_asan", "__ubsan", "__tsan", "__gcov", "__sanitizer", ".L", "__sancov"))


def impure_symbols(archive, room):
    for member, name, letter, section in symbols(archive):
        if is_instrumentation(name):
            continue
        if letter == "U" and plain_symbol(name) in IMPURE_CALLS | IMPURE_DATA:
            yield (
                f"{archive} ({member}): {room} is pure and must not use {plain_symbol(name)}: take time, ids and bytes as "
                "arguments, give results back as values"
            )
        # Constant tables of pointers stand in .data.rel.ro: the loader writes them once and nobody after it.
        if re.match(r"(\.data|\.bss|\.tdata|\.tbss|\*COM\*)", section) and not section.startswith(".data.rel.ro"):
            yield (
                f"{archive} ({member}): {room} is pure and must not keep the variable {name} ({section}): make it const, or "
                "move it into a struct that the caller owns"
            )


def check_purity(root, build):
    for room in PURE:
        yield from impure_calls(root, room)
        if not os.path.exists(os.path.join(root, "engine", room, "CMakeLists.txt")) or not build:
            continue
        archive = os.path.join(build, "engine", room, f"libkurator_{room}.a")
        if not os.path.exists(archive):
            yield f"{archive}: is missing: build the whole tree before this test"
        elif not shutil.which("nm"):
            yield "nm is missing: install binutils (ops/test does)"
        else:
            yield from impure_symbols(archive, room)


# ---------------------------------------------------------------------------------------------------------------------
# Names that belong into config/


def is_distinctive(word):
    """Nobody's plain English."""
    return re.search(r"[._-]", word) is not None


def configured_words(root):
    """word → where it is configured. Missing files have no words."""
    words = {}

    def add(word, where):
        if word not in SHARED_WORDS:
            words.setdefault(word, where)

    processes = os.path.join(root, "config", "processes")
    for process in sorted(os.listdir(processes)) if os.path.isdir(processes) else []:
        if not os.path.isdir(os.path.join(processes, process)):
            continue
        add(process, f"the process config/processes/{process}")
        forms = os.path.join(processes, process, "forms")
        for form in sorted(os.listdir(forms)) if os.path.isdir(forms) else []:
            where = f"the form config/processes/{process}/forms/{form}"
            add(form, where)
            if is_distinctive(form.removesuffix(".json")):  # a form may be called "start", and so may anything else
                add(form.removesuffix(".json"), where)
    for key, word in re.findall(
        r"""(?:^|[\s{,-])(id|kind):\s*["']?([\w.-]+)""", read_if_there(root, "config/participants.yaml"), re.M
    ):
        add(word, f"the {key} of a participant in config/participants.yaml")
    catalogue = read_if_there(root, "config/catalogue.yaml")
    for word in re.findall(r"""\bname:\s*["']?([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)""", catalogue):
        add(word, "an event of config/catalogue.yaml")
    return words


def names_in(text, words):
    """
    A plain word ("health") offends only as the whole of a text: within a sentence it is English. A word with a dot, a dash
    or an underscore ("release.notice") is nobody's English and offends wherever it stands by itself.
    """
    if text in words:
        yield text
        return
    for part in re.findall(r"[\w.-]+", text):
        part = part.strip(".-")
        if part in words and is_distinctive(part):
            yield part


def check_names(root, _build):
    words = configured_words(root)
    for path in c_files(root, "engine", "proto", "ops/cli"):
        for line, text in texts(read(root, path)):
            for word in names_in(text, words):
                yield (
                    f'{path}:{line}: "{word}" is {words[word]}: C must not know it; give what the program needs to know an '
                    "attribute in config/ and look that up"
                )


# ---------------------------------------------------------------------------------------------------------------------
# Format and documents


def check_format(root, _build):
    if not shutil.which("clang-format"):
        yield "clang-format is missing: apt-get install clang-format (ops/test does)"
        return
    files = [os.path.join(root, path) for path in c_files(root, *SOURCE_FOLDERS)]
    for at in range(0, len(files), 100):
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files[at : at + 100]], capture_output=True, text=True)
        offenders = re.findall(r"^(.+?):(\d+):\d+: error:", done.stderr, re.M)
        first_lines = {}
        for path, line in offenders:
            first_lines.setdefault(path, line)
        for path, line in first_lines.items():
            path = os.path.relpath(path, root)
            yield f"{path}:{line}: is not formatted: clang-format -i {path}"
        if done.returncode != 0 and not offenders:
            yield f"clang-format failed: {done.stderr.strip()}"


def check_documents(root, _build):
    for name in DOCUMENTS:
        path = os.path.join(root, name)
        if not os.path.isfile(path) or os.path.getsize(path) == 0:
            yield f"{name}: is missing or empty: a newcomer's first ten minutes need it"


CHECKS = {
    "includes": check_includes,
    "purity": check_purity,
    "names": check_names,
    "format": check_format,
    "documents": check_documents,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("check", choices=sorted(CHECKS))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    parser.add_argument("--build", help="build folder with the archives of the rooms, for `purity`")
    given = parser.parse_args()
    offences = list(CHECKS[given.check](os.path.abspath(given.root), given.build))
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
