#include "wire/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/words.h"

_Static_assert(KEY_CONNECTION == crypto_box_PUBLICKEYBYTES, "CURVE is Curve25519");

#define FILE_HEAD "kurator-keys 1"
enum { FILE_SIZE_MAX = 1024 };

/* One line per key; the first two stand in both files. */
struct key_line {
  const char *name;
  uint8_t *bytes;
  size_t size;
};
enum { LINES_PUBLIC = 2, LINES_ALL = 4 };

static void lines_of(struct key_pair *pair, struct key_line lines[LINES_ALL]) {
  lines[0] = (struct key_line){"connection-public", pair->connection_public, KEY_CONNECTION};
  lines[1] = (struct key_line){"signing-public", pair->signing.public_key, SIGNING_PUBLIC};
  lines[2] = (struct key_line){"connection-secret", pair->connection_secret, KEY_CONNECTION};
  lines[3] = (struct key_line){"signing-secret", pair->signing.secret_key, SIGNING_SECRET};
}

void key_pair_erase(struct key_pair *pair) {
  sodium_memzero(pair, sizeof *pair);
}

struct key_public key_pair_public(const struct key_pair *pair) {
  struct key_public public_keys;
  memcpy(public_keys.connection, pair->connection_public, KEY_CONNECTION);
  memcpy(public_keys.signing, pair->signing.public_key, SIGNING_PUBLIC);
  return public_keys;
}

enum err key_pair_generate(struct key_pair *ret_pair) {
  TRY(signing_start());
  crypto_box_keypair(ret_pair->connection_public, ret_pair->connection_secret);
  signing_create(&ret_pair->signing);
  return ERR_OK;
}

void key_connection_format(const uint8_t key[KEY_CONNECTION], char ret_text[KEY_CONNECTION_TEXT]) {
  sodium_bin2hex(ret_text, KEY_CONNECTION_TEXT, key, KEY_CONNECTION);
}

static enum err hex_parse(struct span text, uint8_t *ret_bytes, size_t size) {
  size_t written = 0;
  bool whole = text.size == 2 * size &&
               sodium_hex2bin(ret_bytes, size, (const char *)text.data, text.size, NULL, &written, NULL) == 0;
  return whole && written == size ? ERR_OK : ERR_FORMAT;
}

enum err key_connection_parse(struct span text, uint8_t ret_key[KEY_CONNECTION]) {
  return hex_parse(text, ret_key, KEY_CONNECTION);
}

/* ---- writing ---- */

static size_t text_print(const struct key_line *lines, size_t count, char text[FILE_SIZE_MAX]) {
  size_t size = (size_t)snprintf(text, FILE_SIZE_MAX, "%s\n", FILE_HEAD);
  for (size_t i = 0; i < count; i++) {
    size += (size_t)snprintf(text + size, FILE_SIZE_MAX - size, "%s: ", lines[i].name);
    sodium_bin2hex(text + size, FILE_SIZE_MAX - size, lines[i].bytes, lines[i].size);
    size += 2 * lines[i].size;
    text[size++] = '\n';
  }
  return size;
}

static enum err io_fault(struct fault *fault, const char *what) {
  enum err err = errno == EEXIST ? ERR_EXISTS : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
  return fault_set(fault, err, "файл ключа не %s: %s", what, words_of_system(errno));
}

static void fd_close(const int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
  }
}

/* O_EXCL: a key that somebody uses is never overwritten. */
static enum err file_create(const char *path, mode_t mode, const char *text, size_t size, struct fault *fault) {
  int fd DEFER(fd_close) = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) {
    return io_fault(fault, "создан");
  }
  bool written = fchmod(fd, mode) == 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
  return written ? ERR_OK : io_fault(fault, "записан");
}

static enum err public_path(const char *path, char ret_path[4096], struct fault *fault) {
  int size = snprintf(ret_path, 4096, "%s.pub", path);
  return size > 0 && size < 4096 ? ERR_OK : fault_set(fault, ERR_LIMIT, "путь к файлу ключа слишком длинный");
}

enum err key_pair_create(const char *path, struct key_pair *ret_pair, struct fault *fault) {
  char path_public[4096];
  TRY(public_path(path, path_public, fault));
  struct key_pair pair DEFER(key_pair_erase);
  if (key_pair_generate(&pair) != ERR_OK) {
    return fault_set(fault, ERR_IO, "у системы нет источника случайных чисел");
  }
  struct key_line lines[LINES_ALL];
  lines_of(&pair, lines);
  char text[FILE_SIZE_MAX];
  size_t size = text_print(lines, LINES_ALL, text);
  enum err err = file_create(path, 0600, text, size, fault);
  sodium_memzero(text, sizeof text);
  TRY(err);
  size = text_print(lines, LINES_PUBLIC, text);
  err = file_create(path_public, 0644, text, size, fault);
  if (err != ERR_OK) {
    (void)unlink(path); /* half a pair would stand in the way of the next attempt */
    return err;
  }
  *ret_pair = pair;
  return ERR_OK;
}

enum err key_public_create(const char *path, const struct key_public *key, struct fault *fault) {
  struct key_pair pair = {0};
  struct key_line lines[LINES_ALL];
  char text[FILE_SIZE_MAX];
  memcpy(pair.connection_public, key->connection, sizeof key->connection);
  memcpy(pair.signing.public_key, key->signing, sizeof key->signing);
  lines_of(&pair, lines);
  return file_create(path, 0644, text, text_print(lines, LINES_PUBLIC, text), fault);
}

/* ---- reading ---- */

static enum err file_read(const char *path, bool secret, char text[FILE_SIZE_MAX], size_t *ret_size,
                          struct fault *fault) {
  int fd DEFER(fd_close) = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) {
    return io_fault(fault, "открывается");
  }
  if (secret && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fault_set(fault, ERR_FORBIDDEN, "закрытый ключ могут прочесть другие; закройте его: chmod 600 ФАЙЛ");
  }
  ssize_t size = read(fd, text, FILE_SIZE_MAX);
  if (size < 0) {
    return io_fault(fault, "читается");
  }
  if (size == FILE_SIZE_MAX) {
    return fault_set(fault, ERR_LIMIT, "файл слишком велик: это не ключ");
  }
  *ret_size = (size_t)size;
  return ERR_OK;
}

static enum err text_parse(struct span text, const struct key_line *lines, size_t count) {
  struct span line = span_cut(text, '\n', &text);
  if (!span_is(line, FILE_HEAD)) {
    return ERR_FORMAT;
  }
  for (size_t i = 0; i < count; i++) {
    line = span_cut(text, '\n', &text);
    struct span value;
    struct span name = span_cut(line, ':', &value);
    if (!span_is(name, lines[i].name)) {
      return ERR_FORMAT;
    }
    TRY(hex_parse(span_trim(value), lines[i].bytes, lines[i].size));
  }
  return ERR_OK;
}

/* What follows the public lines of a file that is to be public. */
static enum err refuse_secret(struct span text, struct fault *fault) {
  static const char mark[] = "-secret";
  if (!memmem(text.data, text.size, mark, sizeof mark - 1)) {
    return ERR_OK;
  }
  return fault_set(fault, ERR_FORBIDDEN,
                   "это закрытый ключ: он остаётся у владельца. Нужен открытый — файл с окончанием .pub. Если закрытый "
                   "кому-то передавали, смените его");
}

static enum err keys_read(const char *path, size_t count, struct key_pair *ret_pair, struct fault *fault) {
  char text[FILE_SIZE_MAX];
  size_t size = 0;
  TRY(file_read(path, count == LINES_ALL, text, &size, fault));
  struct key_line lines[LINES_ALL];
  lines_of(ret_pair, lines);
  enum err err = text_parse(span_of(text, size), lines, count);
  err = err == ERR_OK ? ERR_OK
                      : fault_set(fault, err, "это не файл ключа (первая строка «%s») или он повреждён", FILE_HEAD);
  if (err == ERR_OK && count == LINES_PUBLIC) {
    err = refuse_secret(span_of(text, size), fault);
  }
  sodium_memzero(text, sizeof text);
  return err;
}

/* A secret of one pair with the public half of another would fail late and far from here. */
static bool halves_fit(const struct key_pair *pair) {
  uint8_t connection[KEY_CONNECTION];
  uint8_t signing[SIGNING_PUBLIC];
  return crypto_scalarmult_base(connection, pair->connection_secret) == 0 &&
         crypto_sign_ed25519_sk_to_pk(signing, pair->signing.secret_key) == 0 &&
         memcmp(connection, pair->connection_public, KEY_CONNECTION) == 0 &&
         memcmp(signing, pair->signing.public_key, SIGNING_PUBLIC) == 0;
}

enum err key_pair_load(const char *path, struct key_pair *ret_pair, struct fault *fault) {
  if (signing_start() != ERR_OK) {
    return fault_set(fault, ERR_IO, "у системы нет источника случайных чисел");
  }
  struct key_pair pair DEFER(key_pair_erase) = {0};
  TRY(keys_read(path, LINES_ALL, &pair, fault));
  if (!halves_fit(&pair)) {
    return fault_set(fault, ERR_INVALID, "закрытый и открытый ключ в файле — от разных пар; верните файл из копии");
  }
  *ret_pair = pair;
  return ERR_OK;
}

enum err key_public_load(const char *path, struct key_public *ret_public, struct fault *fault) {
  struct key_pair pair DEFER(key_pair_erase) = {0};
  TRY(keys_read(path, LINES_PUBLIC, &pair, fault));
  *ret_public = key_pair_public(&pair);
  return ERR_OK;
}
