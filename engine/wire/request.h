/*
 * wire/request.h — one question, one answer, without a loop: for the CLI and scripts.
 *
 * Purpose: a blocking client of a wire_server. It says which of the usual things is wrong: nobody there, key refused,
 * no answer in time.
 *
 * Life cycle: request_open → request_ask… → request_close. Threading: one owner. Never: retries by itself.
 */
#ifndef KURATOR_WIRE_REQUEST_H
#define KURATOR_WIRE_REQUEST_H

#include "base/bytes.h"
#include "base/err.h"
#include "wire/keys.h"

struct request_socket;

/* Waits until the connection stands. ERR_UNREACHABLE (nobody answers within `timeout_ms`), ERR_FORBIDDEN (key refused),
 * ERR_IO (the endpoint makes no sense); Russian text in `fault`. */
enum err request_open(const char *endpoint, const uint8_t server_key[KEY_CONNECTION], const struct key_pair *pair,
                      uint32_t timeout_ms, struct request_socket **ret_socket, struct fault *fault) MUST_CHECK;
void request_close(struct request_socket **at); /* NULL-safe */
/* Sends one part. */
enum err request_send(struct request_socket *socket, struct span part, struct fault *fault) MUST_CHECK;
/* Appends the next message of one part to `w`. ERR_UNREACHABLE: none within `timeout_ms`; ERR_LIMIT: over `size_max`.
 */
enum err request_receive(struct request_socket *socket, uint32_t timeout_ms, size_t size_max, struct writer *w,
                         struct fault *fault) MUST_CHECK;

#endif
