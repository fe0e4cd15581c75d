/*
 * daemon/desk_doctor.c — what is wrong, why, and what to do.
 *
 *   doctor [silent_days=N]   rows of {"check", "ok", "what", "why", "do"}; a check that finds nothing is one row, ok
 *
 * Each check looks at one thing and tells all it found. Walks through the store end after DESK_SCAN_MAX records: then
 * there are "at least" so many. Texts are Russian, for the operator; no personal data.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/fingerprint.h"
#include "daemon/page.h"
#include "daemon/sessions.h"
#include "daemon/trouble.h"
#include "daemon/turn.h"
#include "runtime/records.h"

enum {
  STORE_PERCENT_MAX = 80,
  DISK_PERCENT_MIN = 10,
  DISK_BYTES_MIN = 1 << 30,
  CALENDAR_DAYS_AHEAD = 60,
  SILENT_DAYS = 3,
  SILENT_ROWS_MAX = 50,
  SKEW_MS = 60000,
  TEXT_BYTES = 600,
  PATH_BYTES = 4200,
};

struct finding {
  const char *what, *why, *advice;
};

static void found(struct page *page, const char *check, const struct finding *finding) {
  const struct value_field fields[] = {
      PAGE_FIELD("check", value_text(span_of_cstr(check))),
      PAGE_FIELD("ok", value_bool(false)),
      PAGE_FIELD("what", value_text(span_of_cstr(finding->what))),
      PAGE_FIELD("why", value_text(span_of_cstr(finding->why))),
      PAGE_FIELD("do", value_text(span_of_cstr(finding->advice))),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static void fine(struct page *page, const char *check) {
  const struct value_field fields[] = {
      PAGE_FIELD("check", value_text(span_of_cstr(check))),
      PAGE_FIELD("ok", value_bool(true)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static const char *text(const struct page *page, const char *format, ...) PRINTF_LIKE(2, 3);
static const char *text(const struct page *page, const char *format, ...) {
  char buffer[TEXT_BYTES];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(buffer, sizeof buffer, format, args);
  va_end(args);
  return arena_cstr(page->arena, span_of_cstr(buffer));
}

/* ---- where the data lies ---- */

static enum err check_store(struct page *page) {
  struct store_stats stats;
  TRY(store_stats(page->daemon->store, &stats));
  uint64_t percent = stats.bytes_max > 0 ? stats.bytes_used / (stats.bytes_max / 100 + 1) : 0;
  const struct trouble *trouble = trouble_of_room(turn_store_room(page->daemon->turn));
  if (trouble) {
    found(page, "store",
          &(struct finding){text(page, "%s, сообщения ждут; занято %llu %%", trouble->why, (unsigned long long)percent),
                            "пока записать нельзя, система не принимает сообщений; принятое не пропадёт",
                            trouble->advice});
  } else if (percent >= STORE_PERCENT_MAX) {
    found(page, "store",
          &(struct finding){
              text(page, "база занята на %llu %%", (unsigned long long)percent),
              "при заполнении система перестанет принимать сообщения; принятое не пропадёт",
              "увеличить store.map_max_mib в kurator.yaml (место на диске должно быть) и перезапустить kuratord"});
  }
  return ERR_OK;
}

static enum err check_disk(struct page *page) {
  struct statvfs disk;
  if (statvfs(page->daemon->data_dir, &disk) != 0) {
    return ERR_IO;
  }
  uint64_t unit = disk.f_frsize;
  uint64_t free_bytes = unit * disk.f_bavail;
  uint64_t percent = disk.f_blocks > 0 ? 100 * disk.f_bavail / disk.f_blocks : 0;
  if (percent >= DISK_PERCENT_MIN && free_bytes >= DISK_BYTES_MIN) {
    return ERR_OK;
  }
  found(page, "disk",
        &(struct finding){text(page, "на диске с базой свободно %llu МиБ (%llu %%)",
                               (unsigned long long)(free_bytes >> 20), (unsigned long long)percent),
                          "когда место кончится, система перестанет принимать сообщения",
                          text(page, "освободить место на разделе папки %s", page->daemon->data_dir)});
  return ERR_OK;
}

/* ---- what lies about ---- */

struct counted {
  size_t open, parked, provisional, scanned;
  enum err err;
};

static const char *at_least(const struct counted *counted) {
  return counted->scanned >= DESK_SCAN_MAX ? "не меньше " : "";
}

static bool count_incident(void *arg, struct span key, struct span value) {
  struct counted *counted = arg;
  struct record_incident incident;
  (void)key;
  counted->err = record_incident_read(value, &incident);
  if (counted->err == ERR_OK && !incident.resolved) {
    counted->open++;
    counted->parked += incident.parks ? 1 : 0;
  }
  return counted->err == ERR_OK && ++counted->scanned < DESK_SCAN_MAX;
}

static enum err check_incidents(struct page *page) {
  struct counted counted = {.err = ERR_OK};
  struct span all = {NULL, 0};
  TRY(store_scan(page->daemon->store, STORE_INCIDENT, all, all, count_incident, &counted));
  TRY(counted.err);
  if (counted.open > 0) {
    found(page, "incidents",
          &(struct finding){text(page, "не разобрано сбоев: %s%zu", at_least(&counted), counted.open),
                            "событие не подошло к состоянию случая, или его обработка не удалась",
                            "kurator incident list; затем incident retry или incident resolve"});
  }
  if (counted.parked > 0) {
    found(page, "parked",
          &(struct finding){text(page, "остановлено случаев на разборе: %s%zu", at_least(&counted), counted.parked),
                            "пока сбой не разобран, такой случай не принимает событий",
                            "kurator case list --state parked; устранить причину и kurator incident retry"});
  }
  return ERR_OK;
}

static bool count_deadline(void *arg, struct span key, struct span value) {
  struct counted *counted = arg;
  struct deadline deadline;
  (void)key;
  counted->err = record_deadline_read(value, &deadline);
  counted->provisional += counted->err == ERR_OK && deadline.state == DEADLINE_PROVISIONAL ? 1 : 0;
  return counted->err == ERR_OK && ++counted->scanned < DESK_SCAN_MAX;
}

static enum err check_calendar(struct page *page) {
  struct counted counted = {.err = ERR_OK};
  struct span all = {NULL, 0};
  TRY(store_scan(page->daemon->store, STORE_DEADLINE, all, all, count_deadline, &counted));
  TRY(counted.err);
  int last = calendar_last_year(runtime_calendar(page->daemon->runtime));
  civil_day end;
  TRY(civil_day_of((struct civil_date){last, 12, 31}, &end));
  bool soon = civil_moment_day(turn_now(page->daemon->turn)) + CALENDAR_DAYS_AHEAD > end;
  if (!soon && counted.provisional == 0) {
    return ERR_OK;
  }
  found(page, "calendar",
        &(struct finding){text(page, "производственный календарь кончается %d годом; предварительных сроков: %s%zu",
                               last, at_least(&counted), counted.provisional),
                          "переносы выходных следующего года не известны, сроки в нём посчитаны предварительно",
                          "когда выйдет постановление о переносе: kurator calendar import ФАЙЛ --preview, затем без "
                          "--preview; сроки пересчитаются сами"});
  return ERR_OK;
}

/* ---- participants ---- */

/* Silent: something has waited for it in its stream, and since then (or since the start) nothing has come from it. */
static bool is_silent(const struct page *page, const struct sessions_line *line, int64_t days) {
  civil_moment since = line->seen_at > 0 ? line->seen_at : page->daemon->started_at;
  bool long_ago = turn_wall_clock() - since >= days * CIVIL_DAY_MS;
  bool never = line->seen_at == 0 && line->sequence == 0 && line->acknowledged == 0;
  return !line->connected && line->head > line->acknowledged && (long_ago || never);
}

static void tell_silent(struct page *page, const struct sessions_line *line) {
  const char *name = arena_cstr(page->arena, line->participant->id);
  bool never = line->seen_at == 0 && line->sequence == 0 && line->acknowledged == 0;
  unsigned long long waits = line->head - line->acknowledged;
  found(page, "participants",
        &(struct finding){text(page, "участник %s не на связи, его ждёт сообщений: %llu", name, waits),
                          never ? "он ещё ни разу не подключался" : "его адаптер давно молчит",
                          text(page,
                               "проверить, запущен ли адаптер, есть ли сеть и ключ (kurator participant keys %s); "
                               "сообщения сохранены и будут доставлены",
                               name)});
}

static enum err check_participants(struct page *page) {
  int64_t days;
  struct fault fault;
  TRY(page_arg_number(page, "silent_days", SILENT_DAYS, &days, &fault));
  days = days < 36500 ? days : 36500;
  for (size_t i = 0, told = 0; i < sessions_count(page->daemon->sessions) && told < SILENT_ROWS_MAX; i++) {
    struct sessions_line line = sessions_line(page->daemon->sessions, i);
    if (is_silent(page, &line, days)) {
      tell_silent(page, &line);
      told++;
    }
  }
  return ERR_OK;
}

/* ---- the surroundings ---- */

static enum err check_clock(struct page *page) {
  civil_moment last = runtime_clock(page->daemon->runtime);
  civil_moment ahead = last != CIVIL_MOMENT_NONE ? last - turn_wall_clock() : 0;
  if (turn_is_virtual(page->daemon->turn) || ahead <= SKEW_MS) {
    return ERR_OK;
  }
  found(page, "clock",
        &(struct finding){text(page, "часы сервера отстают от журнала на %lld с", (long long)(ahead / 1000)),
                          "системные часы перевели назад, или база пришла с другого компьютера",
                          "проверить службу времени (timedatectl): до тех пор записи получают момент последней"});
  return ERR_OK;
}

static void check_mode(struct page *page, const char *name) {
  char path[PATH_BYTES];
  struct stat status;
  (void)snprintf(path, sizeof path, "%s/%s", keyring_folder(page->daemon->keyring), name);
  if (stat(path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    found(page, "keys",
          &(struct finding){
              text(page, "тайный ключ %s доступен другим пользователям (%03o)", path, status.st_mode & 0777U),
              "кто прочтёт его, сможет выдать себя за сервер или прочесть персональные данные",
              text(page, "chmod 600 %s; если файл могли прочесть, заменить ключ", path)});
  }
}

static enum err check_keys(struct page *page) {
  check_mode(page, "server");
  check_mode(page, "master");
  return ERR_OK;
}

static enum err check_config(struct page *page) {
  uint8_t now[SIGNING_DIGEST];
  enum err err = fingerprint_of(page->daemon->config_dir, now);
  if (err == ERR_OK && memcmp(now, page->daemon->config_digest, sizeof now) == 0) {
    return ERR_OK;
  }
  found(page, "config",
        &(struct finding){text(page, "настройки в %s не те, с которыми работает сервер", page->daemon->config_dir),
                          err == ERR_OK ? "их изменили после запуска" : "папка настроек не читается",
                          text(page,
                               "kurator config check --config %s, затем перезапустить kuratord, или вернуть прежние",
                               page->daemon->config_dir)});
  return ERR_OK;
}

/* ---- the round ---- */

static const struct {
  const char *name;
  enum err (*run)(struct page *page);
} checks[] = {
    {"store", check_store},         {"disk", check_disk},     {"participants", check_participants},
    {"incidents", check_incidents}, {"clock", check_clock},   {"calendar", check_calendar},
    {"keys", check_keys},           {"config", check_config},
};

static enum err doctor(struct page *page, struct fault *fault) {
  page->limit = DESK_ROWS_MAX; /* all of it on one page: it is short */
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    size_t before = page->count;
    enum err err = checks[i].run(page);
    if (err != ERR_OK) {
      return fault_set(fault, err, "проверка не удалась: %s", checks[i].name);
    }
    if (page->count == before) {
      fine(page, checks[i].name);
    }
  }
  return ERR_OK;
}

const struct desk_verb desk_doctor_verbs[] = {
    {"doctor", false, doctor},
    {NULL, false, NULL},
};
