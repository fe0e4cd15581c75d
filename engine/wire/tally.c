/* A file of its own because the kernel's <linux/tcp.h>, which has the counter, and <netinet/tcp.h>, which uv.h brings
 * in, define the same names. */
#include "wire/tally.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

bool tally_received(int fd, uint64_t *ret_bytes) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  size_t needed = offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < needed) {
    return false;
  }
  *ret_bytes = info.tcpi_bytes_received;
  return true;
}
