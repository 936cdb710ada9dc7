/*
 * Opening files below a root, as another user: root may read everything.
 * Links: static_open.c static_accept.c
 */
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "static_open.h"
#include "test.h"

static char directory[] = "/tmp/static_open_test.XXXXXX";
static int root = -1;

static void put(const char *name, const char *text, mode_t mode) {
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
    close(fd);
}

static struct static_found find(const char *path, bool is_directory, const char *accept) {
    struct static_target target = {.root = root,
                                   .path = path,
                                   .index = "index.html",
                                   .directory = is_directory,
                                   .accept_encoding = {(const uint8_t *)accept, (uint32_t)strlen(accept)},
                                   .has_accept_encoding = accept[0] != 0};
    struct static_found found;
    static_open(&target, &found);
    CHECK((found.fd >= 0) == (found.status == 200));
    if (found.fd >= 0) {
        close(found.fd);
    }
    return found;
}

static void test_permissions(void) {
    put("closed", "x", 0);
    put("open", "hello", 0644);
    CHECK(mkdirat(root, "closed-dir", 0700) == 0 && mkdirat(root, "open-dir", 0755) == 0);
    put("closed-dir/x", "x", 0644);
    put("open-dir/index.html", "x", 0);
    (void)setfsuid(65534); /* with it the capability to read everything goes; of this thread alone */
    CHECK_INT(find("open", false, "").status, 200);
    CHECK_UINT(find("open", false, "").size, 5);
    if (getuid() == 0) { /* others own these files, and may still not read the closed one */
        CHECK_INT(find("closed-dir/x", false, "").status, 403);
    }
    CHECK_INT(find("closed", false, "").status, 403);
    CHECK_INT(find("open-dir/", true, "").status, 403);
    (void)setfsuid(getuid());
}

static void test_kinds(void) {
    CHECK(mkfifoat(root, "fifo", 0644) == 0 && symlinkat("/etc/passwd", root, "out") == 0 &&
          symlinkat("..", root, "up") == 0 && symlinkat("open", root, "in") == 0);
    CHECK_INT(find("fifo", false, "").status, 404);
    CHECK_INT(find("out", false, "").status, 404);
    CHECK_INT(find("up", false, "").status, 404);
    CHECK_INT(find("up/etc", false, "").status, 404);
    CHECK_INT(find("in", false, "").status, 200);
    CHECK_INT(find("", false, "").status, 301);
    CHECK_INT(find("", true, "").status, 404);
    CHECK_INT(find("open/", true, "").status, 404);
    CHECK_INT(find("none", false, "").status, 404);
    CHECK_INT(find("../etc/passwd", false, "").status, 404);
    CHECK_INT(find("/etc/passwd", false, "").status, 404);
    char name[5000];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    CHECK_INT(find(name, false, "").status, 404);
    name[4092] = 0; /* the longest that is looked for */
    CHECK_INT(find(name, false, "").status, 404);
}

static void test_siblings(void) {
    put("a.js", "identity", 0644);
    CHECK(!find("a.js", false, "gzip").varies);
    put("a.js.gz", "gz", 0644);
    struct static_found found = find("a.js", false, "gzip");
    CHECK(found.varies && found.coding == STATIC_GZIP && found.size == 2);
    CHECK(find("a.js", false, "br").coding == STATIC_IDENTITY);
    CHECK_INT(find("a.js", false, "*;q=0").status, 406);
    /* Older by a nanosecond it is of another version. */
    struct stat st;
    CHECK(fstatat(root, "a.js", &st, 0) == 0);
    struct timespec times[2] = {st.st_mtim, st.st_mtim};
    CHECK(utimensat(root, "a.js.gz", times, 0) == 0 && find("a.js", false, "gzip").coding == STATIC_GZIP);
    times[1].tv_nsec += times[1].tv_nsec == 0 ? 999999999 : -1;
    times[1].tv_sec -= times[1].tv_nsec == 999999999;
    CHECK(utimensat(root, "a.js.gz", times, 0) == 0 && !find("a.js", false, "gzip").varies);
}

/* Nothing stays open, whatever is found. */
static void test_descriptors(void) {
    int before = dup(root);
    close(before);
    for (int i = 0; i < 50; i++) {
        (void)find("a.js", false, "gzip");
        (void)find("a.js", false, "*;q=0");
        (void)find("fifo", false, "");
        (void)find("", false, "");
        (void)find("none", false, "");
    }
    int after = dup(root);
    close(after);
    CHECK_INT(after, before);
}

static void clean(void) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    CHECK_INT(system(command), 0);
}

int main(void) {
    if (mkdtemp(directory) == NULL || chmod(directory, 0755) != 0 ||
        (root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
        perror(directory);
        return EXIT_FAILURE;
    }
    RUN(test_permissions);
    RUN(test_kinds);
    RUN(test_siblings);
    RUN(test_descriptors);
    clean();
    return test_report();
}
