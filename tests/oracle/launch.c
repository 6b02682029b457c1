/* launch ROOT DIRECTORY EXECUTABLE ENVIRONMENT...: runs the executable with ROOT as / and exactly that environment.
   Needs no rights: an unprivileged user gets a user namespace. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int put(const char *path, const char *text)
{
    int file = open(path, O_WRONLY);
    int bad = file < 0 || write(file, text, strlen(text)) < 0;
    close(file);
    return bad;
}

int main(int count, char **words)
{
    if (count < 4) return 120;
    char map[64], proc[4096];
    unsigned user = getuid(), group = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
        put("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", user);
        if (put("/proc/self/uid_map", map)) return 121;
        snprintf(map, sizeof map, "0 %u 1", group);
        if (put("/proc/self/gid_map", map)) return 121;
    } else if (unshare(CLONE_NEWNS)) {
        return 122;
    }
    /* $ORIGIN of the executable is read from /proc/self/exe. */
    snprintf(proc, sizeof proc, "%s/proc", words[1]);
    if (mount("/proc", proc, 0, MS_BIND | MS_REC, 0)) return 123;
    if (chroot(words[1]) || chdir(words[2])) return 124;
    char *arguments[] = { words[3], 0 };
    /* Another thread of the test may have started a process while this file was being written: it ends soon. */
    do execve(words[3], arguments, words + 4); while (errno == ETXTBSY && sched_yield() == 0);
    return 125;
}
