/* The chart's data as members of C++: what Qt calls datamodel="cplusplus:BenchModel:qt_model.h". */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include <QScxmlCppDataModel>
#include <QScxmlEvent>
#include <QVariantMap>
#include <cstring>

class BenchModel : public QScxmlCppDataModel {
  Q_OBJECT
  Q_SCXML_DATAMODEL

public:
  long long counter(const char *name) const {
    const struct {
      const char *name;
      int value;
    } all[] = {{"visits", visits}, {"answers", answers}, {"weight", weight}, {"warned", warned},
               {"missed", missed}, {"offers", offers},   {"done", done},     {"left", left},
               {"score", score},   {"resets", resets},   {"notes", notes}};
    for (const auto &each : all) {
      if (std::strcmp(each.name, name) == 0) {
        return each.value;
      }
    }
    return -1;
  }

private:
  int event_weight() const { return scxmlEvent().data().toMap().value(QStringLiteral("weight")).toInt(); }
  int visits = 0, answers = 0, weight = 0, warned = 0, missed = 0, offers = 0;
  int done = 0, left = 0, score = 0, resets = 0, notes = 0;
};

#endif
