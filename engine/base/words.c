#include "base/words.h"

#include <errno.h>
#include <string.h>

static const char *const err_words[] = {
    [ERR_OK] = "всё в порядке",
    [ERR_INVALID] = "неверное значение",
    [ERR_FORMAT] = "написано не по форме",
    [ERR_RANGE] = "значение вне допустимых пределов",
    [ERR_LIMIT] = "больше, чем допускается",
    [ERR_NOT_FOUND] = "не найдено",
    [ERR_EXISTS] = "уже есть",
    [ERR_CONFLICT] = "противоречит тому, что есть сейчас",
    [ERR_FORBIDDEN] = "не разрешено",
    [ERR_UNSUPPORTED] = "так нельзя: это не поддерживается",
    [ERR_SCRIPT] = "ошибка в выражении схемы",
    [ERR_IO] = "не удалось прочитать или записать",
    [ERR_UNREACHABLE] = "нет связи с сервером",
    [ERR_BUSY] = "занято, повторите позже",
    [ERR_FULL] = "кончилось место",
    [ERR_NO_MEMORY] = "не хватает памяти",
    [ERR_CONFIG] = "настройки неверны",
    [ERR_VERSION] = "записано другой версией программы",
    [ERR_CLOSED] = "соединение закрыто",
    [ERR_CORRUPT] = "сохранённые данные повреждены",
    [ERR_COMMIT] = "запись в базу не удалась",
};

const char *words_of_err(enum err err) {
  size_t count = sizeof err_words / sizeof *err_words;
  return (size_t)err < count && err_words[err] ? err_words[err] : "неизвестная ошибка";
}

static const struct {
  int error;
  const char *text;
} system_words[] = {
    {ENOENT, "нет такого файла или папки"},
    {ENOTDIR, "часть пути — не папка"},
    {EISDIR, "это папка, а не файл"},
    {EEXIST, "уже есть"},
    {ENOTEMPTY, "папка не пуста"},
    {EACCES, "нет прав"},
    {EPERM, "нет прав"},
    {EROFS, "диск доступен только для чтения"},
    {ENOSPC, "на диске нет места"},
    {EDQUOT, "исчерпана квота на диске"},
    {EFBIG, "файл слишком велик"},
    {EIO, "диск не читается или не пишется"},
    {ELOOP, "ссылки ведут по кругу"},
    {ENAMETOOLONG, "имя слишком длинное"},
    {EMFILE, "открыто слишком много файлов"},
    {ENFILE, "открыто слишком много файлов"},
    {ENOMEM, "не хватает памяти"},
    {EBUSY, "занято другой программой"},
    {EAGAIN, "занято другой программой"},
    {ETXTBSY, "занято другой программой"},
    {EINVAL, "такое значение не годится"},
    {EXDEV, "это другой диск"},
    {EPIPE, "читающая программа завершилась"},
    {EADDRINUSE, "адрес занят другой программой"},
    {EADDRNOTAVAIL, "такого адреса на этом компьютере нет"},
    {ENODEV, "такого сетевого устройства на этом компьютере нет"},
    {EPROTONOSUPPORT, "такого вида адреса нет: бывают tcp:// и ipc://"},
    {ECONNREFUSED, "в соединении отказано"},
    {ECONNRESET, "соединение прервано"},
    {ENETUNREACH, "сеть недоступна"},
    {EHOSTUNREACH, "компьютер недоступен"},
    {ETIMEDOUT, "ответа нет слишком долго"},
};

const char *words_of_system(int error) {
  for (size_t i = 0; i < sizeof system_words / sizeof *system_words; i++) {
    if (system_words[i].error == error) {
      return system_words[i].text;
    }
  }
  return strerror(error); /* NOLINT(concurrency-mt-unsafe): of what is not above, nothing is asked at once */
}
