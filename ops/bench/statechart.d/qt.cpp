/*
 * The same runs on Qt SCXML: qt CHART EVENTS with the chart of this folder in ECMAScript, and, compiled with -DNATIVE
 * against what qscxmlc makes of it, with its expressions as C++. Prints what bench-statechart prints.
 */
#include <QCoreApplication>
#include <QElapsedTimer>
#include <QScxmlDataModel>
#include <QScxmlStateMachine>
#include <QVariantMap>
#include <cstdio>
#include <cstdlib>

#ifdef NATIVE
#include "bench_machine.h"
#include "qt_model.h"
#endif

static const char *const counters[] = {"visits", "answers", "weight", "warned", "missed", "offers",
                                       "done",   "left",    "score",  "resets", "notes"};

/* Events are queued on Qt's loop; a thousand at a time are sent and then carried out. */
static void run_events(QScxmlStateMachine *machine, long count) {
  static const QString names[] = {"tick", "step", "answer", "note"};
  QVariantMap data[4];
  for (int i = 0; i < 4; i++) {
    data[i].insert(QStringLiteral("weight"), i);
  }
  for (long i = 0; i < count; i++) {
    if (i % 4 == 2) {
      machine->submitEvent(names[i % 4], data[i / 4 % 4]);
    } else {
      machine->submitEvent(names[i % 4]);
    }
    if (i % 1000 == 999) {
      QCoreApplication::processEvents();
    }
  }
  QCoreApplication::processEvents();
}

int main(int argc, char **argv) {
  QCoreApplication app(argc, argv);
  if (argc != 3) {
    return 2;
  }
#ifdef NATIVE
  BenchModel model;
  BenchMachine native;
  native.setDataModel(&model);
  QScxmlStateMachine *machine = &native;
#else
  QScxmlStateMachine *machine = QScxmlStateMachine::fromFile(QString::fromLocal8Bit(argv[1]));
  if (!machine->parseErrors().isEmpty()) {
    std::fprintf(stderr, "%s\n", qPrintable(machine->parseErrors().first().toString()));
    return 1;
  }
#endif
  machine->start();
  QCoreApplication::processEvents();
  long count = std::strtol(argv[2], nullptr, 10);
  run_events(machine, count / 10);
  QElapsedTimer timer;
  clock_t before = clock();
  timer.start();
  run_events(machine, count);
  double seconds = double(timer.nsecsElapsed()) / 1e9;
  std::printf("{\"events\":%ld,\"seconds\":%.6f,\"cpu\":%.6f,\"counters\":{", count, seconds,
              double(clock() - before) / CLOCKS_PER_SEC);
  for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
#ifdef NATIVE
    long long value = model.counter(counters[i]);
#else
    long long value = machine->dataModel()->scxmlProperty(QString::fromLatin1(counters[i])).toLongLong();
#endif
    std::printf("%s\"%s\":%lld", i ? "," : "", counters[i], value);
  }
  std::printf("}}\n");
  return 0;
}
