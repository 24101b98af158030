/* Loaded into RocketMQ's servers before the system's library: a socket that would
 * listen on every address listens on 127.0.0.1. The broker's replication port and
 * the proxy's ports have no setting for it. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int bind(int fd, const struct sockaddr *given, socklen_t length)
{
    struct sockaddr_in address;
    if (given && given->sa_family == AF_INET && length >= sizeof address) {
        memcpy(&address, given, sizeof address);
        if (address.sin_addr.s_addr == htonl(INADDR_ANY)) {
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            return syscall(SYS_bind, fd, &address, sizeof address);
        }
    }
    return syscall(SYS_bind, fd, given, length);
}
