"""Each rule of tidy.py finds what it forbids and leaves alone what it allows, in small trees made for it."""

import os
import shutil
import subprocess
import tempfile
import unittest

import tidy


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="kurator-tidy-")
        self.addCleanup(shutil.rmtree, self.root)

    def put(self, path, content=""):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(content)

    def offences(self, check, build=None):
        return list(tidy.CHECKS[check](self.root, build))

    def assert_clean(self, check, build=None):
        self.assertEqual(self.offences(check, build), [])

    def assert_found(self, check, *parts, build=None):
        found = self.offences(check, build)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])


class Includes(Tree):
    def test_the_direction_of_rooms(self):
        forbidden = [
            ("engine/base/a.c", '#include "calendar/calendar.h"'),
            ("engine/calendar/a.h", '#include "chart/chart.h"'),
            ("engine/chart/a.c", '#include "calendar/calendar.h"'),
            ("engine/casework/a.c", '#include "store/store.h"'),
            ("engine/store/a.c", '  #  include "casework/casework.h"'),
            ("engine/runtime/a.c", '#include "wire/wire.h"'),
            ("engine/wire/a.c", '#include "runtime/runtime.h"'),
            ("proto/a.c", '#include "wire/wire.h"'),
            ("adapters/link/a.c", '#include "exchange/row.h"'),
            ("adapters/ufsin/a.c", '#include "casework/casework.h"'),
            ("agents/oversight/a.c", '#include "store/store.h"'),
        ]
        for path, line in forbidden:
            self.put(path, "\n" + line + "\n")
            self.assert_found("includes", path + ":2: ")
            os.remove(os.path.join(self.root, path))

    def test_what_is_allowed(self):
        allowed = [
            ("engine/calendar/a.c", '#include "base/err.h"\n#include "calendar/table.h"\n#include <string.h>'),
            ("engine/casework/a.c", '#include "calendar/calendar.h"\n#include "chart/chart.h"'),
            ("engine/runtime/a.c", '#include "casework/casework.h"\n#include "proto/json.h"\n#include <uv.h>'),
            ("engine/wire/a.c", '#include "kurator/v1/frames.pb-c.h"\n#include <zmq.h>'),
            ("engine/daemon/a.c", '#include "runtime/runtime.h"\n#include "wire/wire.h"\n#include "daemon/daemon.h"'),
            ("engine/kuratord.c", '#include "store/store.h"\n#include "daemon/daemon.h"'),
            ("engine/store/a.c", "#include <lmdb.h>"),
            ("adapters/exchange/a.c", '#include "link/link.h"\n#include "exchange/row.h"'),
            ("ops/cli/a.c", '#include "cli.h"\n#include "runtime/runtime.h"'),
            ("tests/unit/store/a.c", '#include "store/tree.h"\n#include <lmdb.h>'),
            ("ops/bench/a.c", "#include <zmq.h>"),
            ("engine/base/a.c", '// #include "chart/chart.h"\n/*\n#include <uv.h>\n*/'),
        ]
        for path, content in allowed:
            self.put(path, content + "\n")
        self.assert_clean("includes")

    def test_libraries_stay_in_their_rooms(self):
        for path, header in (
            ("engine/runtime/a.c", "lmdb.h"),
            ("adapters/link/a.c", "zmq.h"),
            ("engine/calendar/a.c", "uv.h"),
            ("engine/base/a.c", "uv.h"),
            ("proto/a.c", "jansson.h"),
            ("engine/casework/a.c", "lua.h"),
            ("engine/runtime/a.c", "libxml/parser.h"),
        ):
            for form in (f"<{header}>", f'"{header}"'):
                self.put(path, f"#include {form}\n")
                self.assertTrue(self.offences("includes"), (path, form))
            os.remove(os.path.join(self.root, path))


class Purity(Tree):
    def build(self, room, source):
        self.put(f"engine/{room}/CMakeLists.txt")
        self.put(f"built/engine/{room}/a.c", source)
        folder = os.path.join(self.root, "built", "engine", room)
        subprocess.run(["cc", "-c", "-fPIC", "-O1", "a.c"], cwd=folder, check=True)
        subprocess.run(["ar", "rc", f"libkurator_{room}.a", "a.o"], cwd=folder, check=True)
        return os.path.join(self.root, "built")

    def test_calls_in_the_source(self):
        self.put("engine/calendar/a.c", "/* time( */\nint f(void) {\n  return (int)time (0);\n}\n")
        self.assert_found("purity", "engine/calendar/a.c:3: ", "time")

    def test_names_that_only_look_like_calls(self):
        self.put(
            "engine/chart/a.c",
            'const char *s = "fopen(x)"; // read(x)\nint f(struct p *p) { return p->read(p) + p->ports.time(0) + my_time(); }\n'
            "/* write(1) */ int snprintf(char *, unsigned long, const char *, ...);\n",
        )
        self.assert_clean("purity")

    def test_other_rooms_may_call_what_they_like(self):
        self.put("engine/runtime/a.c", "int f(void) { return time(0); }\n")
        self.assert_clean("purity")

    def test_what_a_macro_or_an_alias_hides_from_the_source(self):
        build = self.build("chart", "long time(long *); long (*f(void))(long *) { return time; }\n")
        self.assert_found("purity", "(a.o)", "time", build=build)

    def test_variables(self):
        for source, name in (
            ("int counter = 1; int f(void) { return counter++; }", "counter"),
            ("static int hits; int f(void) { return hits++; }", "hits"),
            ("int f(void) { static int calls; return calls++; }", "calls"),
            ("_Thread_local int mine; int f(void) { return mine++; }", "mine"),
            ('const char *names[] = {"a"}; ', "names"),
        ):
            build = self.build("casework", source + "\n")
            self.assert_found("purity", name, build=build)

    def test_constants_are_no_variables(self):
        build = self.build(
            "calendar",
            'static const char *const names[] = {"a", "b"};\nstatic const int days[] = {1, 2};\n'
            "const char *f(int i) { return names[i + days[i]]; }\n",
        )
        self.assert_clean("purity", build=build)

    def test_a_room_that_was_not_built(self):
        self.put("engine/chart/CMakeLists.txt")
        self.assert_found("purity", "libkurator_chart.a", "build the whole tree", build=self.root)


class Names(Tree):
    def setUp(self):
        super().setUp()
        self.put("config/processes/release/chart.scxml")
        self.put("config/processes/release/forms/visit-act.json")
        self.put("config/processes/release/forms/start.json")
        self.put("config/processes/referral/chart.scxml")
        self.put("config/participants.yaml", "participants:\n  - id: mse-bureau\n    kind: health\n  - {id: x1, kind: ufsin}\n")
        self.put("config/catalogue.yaml", "classes:\n  - {name: work}\nevents:\n  - name: release.notice\n")

    def test_words_of_the_configuration(self):
        for text, word in (
            ("release", "release"),
            ("ufsin", "ufsin"),
            ("health", "health"),
            ("x1", "x1"),
            ("sent to mse-bureau.", "mse-bureau"),
            ("release.notice", "release.notice"),
            ("on release.notice: go", "release.notice"),
            ("visit-act", "visit-act"),
            ("forms/start.json", "start.json"),
        ):
            for path in ("engine/runtime/a.c", "proto/a.c", "ops/cli/a.h"):
                self.put(path, f'\nint f(void) {{ return g("{text}"); }}\n')
                self.assert_found("names", f"{path}:2: ", f'"{word}"')
                os.remove(os.path.join(self.root, path))

    def test_words_that_may_stand(self):
        self.put(
            "engine/runtime/a.c",
            '#include "release"\n/* "release.notice" */ // "ufsin"\n'
            'const char *a[] = {"health of the daemon", "release_lock", "referral", "work", "visit", "start", "release.noticed"};\n',
        )
        self.put("adapters/ufsin/a.c", 'const char *kind = "ufsin";\n')
        self.assert_clean("names")

    def test_a_tree_without_configuration(self):
        shutil.rmtree(os.path.join(self.root, "config"))
        self.put("engine/runtime/a.c", 'const char *a = "release.notice";\n')
        self.assert_clean("names")


class Format(Tree):
    def test_one_line_for_each_file_that_differs(self):
        self.put(".clang-format", "BasedOnStyle: LLVM\n")
        self.put("engine/base/good.c", "int f(void) { return 1; }\n")
        self.assert_clean("format")
        self.put("tests/unit/base/bad.c", "int g(void)\n{\nreturn   1;\n}\n")
        self.assert_found("format", "tests/unit/base/bad.c:1: ", "clang-format -i")


class Documents(Tree):
    def test_each_must_be_there_with_something_in_it(self):
        for name in ("ARCHITECTURE.md", "README.md", "LICENSE"):
            self.put(name, "text\n")
        self.put("CONTRIBUTING.md")
        self.assert_found("documents", "CONTRIBUTING.md")


if __name__ == "__main__":
    unittest.main()
