/* daemon/trouble.c — see trouble.h: tables of texts. */
#include "daemon/trouble.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

const struct trouble *trouble_of_room(enum store_room room) {
  static const struct trouble troubles[] = {
      [STORE_MAP_FULL] = {"база данных достигла предела",
                          "увеличить store.map_max_mib в kurator.yaml (место на диске должно быть) и перезапустить "
                          "kuratord; если идёт копирование, дождаться его конца"},
      [STORE_DISK_FULL] = {"на диске сервера нет места",
                           "освободить место на разделе с базой; перезапускать kuratord не нужно"},
      [STORE_DISK_READ_ONLY] = {"диск сервера стал доступен только для чтения",
                                "узнать причину (dmesg), перемонтировать раздел для записи: mount -o remount,rw; "
                                "перезапускать kuratord не нужно"},
      [STORE_DISK_FAILS] = {"запись на диск сервера не удаётся",
                            "узнать причину (dmesg, smartctl), сделать копию на другой диск: kurator backup"},
  };
  return room == STORE_HAS_ROOM ? NULL : &troubles[room];
}

enum err trouble_refuse(enum store_room room, struct fault *fault) {
  const struct trouble *trouble = trouble_of_room(room);
  return fault_set(fault, ERR_FULL, "%s: сообщения пока не принимаются, переданные ждут и не потеряны",
                   trouble ? trouble->why : "нет места");
}

struct advice {
  enum err err;
  int number; /* of access(2), 0: any */
  const char *text;
};

/* The first that fits. */
static const struct advice advices[] = {
    {ERR_FULL, 0, "на диске нет места. Освободите место на этом разделе и запустите снова"},
    {ERR_BUSY, 0,
     "база данных уже открыта другим процессом. Остановите его (systemctl stop kuratord) или укажите другую папку: "
     "--data"},
    {ERR_VERSION, 0,
     "база данных записана более новой версией программы. Установите версию не старее той, что с ней работала"},
    {ERR_CORRUPT, 0, "база данных повреждена. Восстановите последнюю копию: kurator restore КОПИЯ --to ПАПКА"},
    {ERR_IO, EROFS,
     "диск доступен только для чтения. Перемонтируйте раздел для записи (mount -o remount,rw) и запустите снова"},
    {ERR_IO, EACCES, "нет права записи. Отдайте папку пользователю, от имени которого работает kuratord (chown -R)"},
    {ERR_IO, ENOENT, "папки выше нет. Создайте её или исправьте --data"},
    {ERR_IO, 0, "база данных не открывается. Проверьте папку и диск"},
};

static const char *advice_for(enum err err, int number) {
  for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
    if (advices[i].err == err && (advices[i].number == 0 || advices[i].number == number)) {
      return advices[i].text;
    }
  }
  return NULL;
}

/* errno of writing there, or, where nothing is yet, of making it; 0: neither is forbidden. */
static int why_not(const char *data) {
  char above[PATH_MAX];
  int number = access(data, W_OK) == 0 ? 0 : errno;
  if (number != ENOENT || snprintf(above, sizeof above, "%s", data) >= (int)sizeof above) {
    return number;
  }
  return access(dirname(above), W_OK) == 0 ? 0 : errno;
}

enum err trouble_explain_start(const char *data, struct fault *fault) {
  struct fault found = *fault;
  const char *advice = advice_for(found.err, why_not(data));
  return advice ? fault_set(fault, found.err, "%s: %s (%s)", data, advice, found.text) : found.err;
}
