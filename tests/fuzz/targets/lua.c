/* Lua in each place where a chart may hold it: a guard, an expression, a script. The input is the text. */
#include "charts.h"
#include "fuzz.h"

/* As an attribute's value. What XML cannot hold becomes a space; bytes above ASCII become characters. */
static void quote(struct writer *w, struct span text) {
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F) {
      writer_u8(w, ' ');
    } else if (c > 0x7F || c == '<' || c == '&' || c == '"' || c == '\n' || c == '\t') {
      writer_printf(w, "&#%u;", c);
    } else {
      writer_u8(w, c);
    }
  }
}

static void write_chart(struct writer *w, struct span text) {
  writer_printf(w, "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\" datamodel=\"lua\"><datamodel>"
                   "<data id=\"t\" expr=\"{1, 2, {x = 'y'}, a = 1.5}\"/><data id=\"r\"/></datamodel>"
                   "<state id=\"s\"><transition event=\"guard\" cond=\"");
  quote(w, text);
  writer_printf(w, "\"/><transition event=\"assign\"><assign location=\"r\" expr=\"");
  quote(w, text);
  writer_printf(w, "\"/></transition><transition event=\"location\"><assign location=\"");
  quote(w, text);
  writer_printf(w, "\" expr=\"7\"/></transition><transition event=\"log\"><log expr=\"");
  quote(w, text);
  writer_printf(w, "\"/><foreach array=\"t\" item=\"r\"><log expr=\"r\"/></foreach></transition>"
                   "<transition event=\"script\"><script>");
  quote(w, text);
  writer_printf(w, "</script></transition></state></scxml>");
}

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  static const char *const events[] = {"guard", "assign", "location", "log", "script", "guard"};
  struct writer document;
  struct charts_pair pair;
  const struct value data = value_text(SPAN_LITERAL("text"));
  writer_init(&document);
  write_chart(&document, input);
  struct chart_worker *worker = charts_worker();
  struct chart *chart = charts_compile(worker, writer_span(&document));
  if (chart) {
    bool running = charts_start(&pair, worker, chart);
    for (size_t i = 0; running && i < sizeof events / sizeof *events; i++) {
      running = charts_event(&pair, span_of_cstr(events[i]), &data);
    }
    charts_finish(&pair);
  }
  chart_destroy(&chart);
  chart_worker_destroy(&worker);
  writer_finish(&document);
}
