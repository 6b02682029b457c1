/* Preloaded into a process of a fixture: performs the events of /oracle/events and tells the link map after each.
   Its own code runs before that of the executable, which therefore may be a file without any code. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

typedef void *(*opener)(const char *, int);
typedef void *(*caller)(const char *, int, opener);

static void say(const char *text) { if (write(1, text, strlen(text)) < 0) _exit(3); }

static struct link_map *first(void)
{
    struct link_map *map = 0;
    void *self = dlopen(0, RTLD_LAZY);
    dlinfo(self, RTLD_DI_LINKMAP, &map);
    return map;
}

static void tell_map(void)
{
    for (struct link_map *map = first()->l_next; map; map = map->l_next) { say("M "); say(map->l_name); say("\n"); }
}

static void perform(char *flags, char *by, char *name)
{
    struct link_map *map = first();
    if (*by) while (map && strcmp(map->l_name, by)) map = map->l_next;
    if (!map) { say("E absent\n"); tell_map(); return; }
    /* Only an object that was opened itself has a scope to look in. */
    void *self = *by ? dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD) : dlopen(0, RTLD_LAZY);
    caller call = self ? (caller) dlsym(self, "call_dlopen") : 0;
    if (!call) { say("E uncallable\n"); tell_map(); return; }
    int visible = *flags & 1 ? RTLD_GLOBAL : RTLD_LOCAL, loads = *flags & 2 ? RTLD_NOLOAD : 0;
    struct link_map *opened = call(name, RTLD_NOW | visible | loads, dlopen);
    /* glibc says nothing of an object that is there and not loaded. */
    char *error = opened ? 0 : dlerror();
    if (opened) { say("E ok "); say(opened->l_name); } else { say("E fail "); say(error ? error : ""); }
    say("\n");
    tell_map();
}

/* glibc runs constructors before the executable; musl leaves that to the executable, which calls this instead. */
__attribute__((constructor)) void oracle_main(void)
{
    static char text[65536];
    int file = open("/oracle/events", O_RDONLY);
    long length = read(file, text, sizeof text - 1);
    if (length < 0) _exit(3);
    say("E started\n");
    tell_map();
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n'), *by = strchr(line, '\t'), *name = by ? strchr(by + 1, '\t') : 0;
        if (!end || !by || !name) break;
        *end = *by = *name = 0;
        perform(line, by + 1, name + 1);
        line = end + 1;
    }
    _exit(0);
}
