/*
 * What paths name below a static site.
 * Links: static_path.c
 */
#include "static_path.h"
#include "test.h"

struct path_case {
    const char *path; /* behind the prefix */
    int status;
    const char *name;
};

static void check_path(const struct path_case *c, bool top) {
    char *out = malloc(strlen(c->path) + 1);
    bool directory = false;
    int rc = static_path_decode((const uint8_t *)c->path, (uint32_t)strlen(c->path), top, out, &directory);

    if (!CHECK_INT(rc, c->status)) {
        fprintf(stderr, "    path \"%s\"\n", c->path);
    }
    if (rc == 0) {
        size_t length = strlen(c->path);
        CHECK_TEXT(out, strlen(out), c->name);
        CHECK(directory == (length != 0 && c->path[length - 1] == '/'));
    }
    free(out);
}

static void test_names(void) {
    static const struct path_case cases[] = {
        {"", 0, ""},
        {"/", 0, ""},
        {"/a", 0, "a"},
        {"/a/", 0, "a/"},
        {"/a/b.txt", 0, "a/b.txt"},
        {"/a%20b", 0, "a b"},
        {"/%61%62", 0, "ab"},
        {"/%c3%BC", 0, "\xc3\xbc"},
        {"/a%25b", 0, "a%b"},
        {"/a%2e", 0, "a."},
        {"/a..b/c..", 0, "a..b/c.."},
        {"/%2525", 0, "%25"},
        {"/~x+y", 0, "~x+y"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_path(&cases[i], true);
        check_path(&cases[i], false);
    }
}

static void test_refused(void) {
    static const struct path_case cases[] = {
        {"/..", -404, ""},
        {"/.", -404, ""},
        {"/./", -404, ""},
        {"/../", -404, ""},
        {"/../a", -404, ""},
        {"/a/../b", -404, ""},
        {"/a/..", -404, ""},
        {"/a/.", -404, ""},
        {"/...", -404, ""},
        {"/%2e%2e/a", -404, ""},
        {"/%2E./a", -404, ""},
        {"/.%2e/a", -404, ""},
        {"/a/%2e%2e%2f%2e%2e/b", -404, ""},
        {"/..%2f..%2fb", -404, ""},
        {"/a%2fb", -404, ""},
        {"/a%2Fb", -404, ""},
        {"/%2f", -404, ""},
        {"//", -404, ""},
        {"//a", -404, ""},
        {"/a//b", -404, ""},
        {"/a//", -404, ""},
        {"/.git/config", -404, ""},
        {"/a/.htaccess", -404, ""},
        {"/%2ehidden", -404, ""},
        {"/..\\a", -404, ""},
        {"/a\\..\\b", -404, ""},
        {"/%5c", -404, ""},
        {"/a%5C..%5Cb", -404, ""},
        {"/a%0ab", -404, ""},
        {"/a%0d%0ab", -404, ""},
        {"/%7f", -404, ""},
        {"/%00", -400, ""},
        {"/a%00.txt", -400, ""},
        {"/%", -400, ""},
        {"/%4", -400, ""},
        {"/a%zz", -400, ""},
        {"/%u002e", -400, ""},
        {"/..%", -400, ""},
        {"/%2f%00", -400, ""},
        {"/%c0%ae%c0%ae/", 0, "\xc0\xae\xc0\xae/"}, /* overlong UTF-8 is a name like any other, and no dots */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_path(&cases[i], true);
        check_path(&cases[i], false);
    }
}

static void test_well_known(void) {
    static const struct path_case top[] = {
        {"/.well-known/x", 0, ".well-known/x"},   {"/.well-known", 0, ".well-known"},
        {"/%2Ewell-known/x", 0, ".well-known/x"}, {"/.well-known/.x", -404, ""},
        {"/.well-known/../x", -404, ""},          {"/.well-knownx", -404, ""},
        {"/a/.well-known/x", -404, ""},           {"/.Well-Known/x", -404, ""},
    };
    for (size_t i = 0; i < sizeof(top) / sizeof(top[0]); i++) {
        check_path(&top[i], true);
    }
    check_path(&(struct path_case){"/.well-known/x", -404, ""}, false); /* only at the top of the origin, RFC 8615 3 */
}

static bool has(const char *path, const char *prefix) {
    return static_path_has_prefix((const uint8_t *)path, (uint32_t)strlen(path), prefix, (uint32_t)strlen(prefix));
}

static void test_prefixes(void) {
    CHECK(has("/assets", "/assets"));
    CHECK(has("/assets/", "/assets"));
    CHECK(has("/assets/x", "/assets"));
    CHECK(!has("/assetsx", "/assets"));
    CHECK(!has("/asset", "/assets"));
    CHECK(!has("/Assets", "/assets"));
    CHECK(!has("/a%73sets", "/assets"));
    CHECK(has("/", ""));
    CHECK(has("/x", ""));
    CHECK(!has("*", ""));
}

static void test_extensions(void) {
    static const struct {
        const char *path, *extension;
    } cases[] = {{"a.txt", "txt"}, {"a.b/c", ""}, {"a.b/c.d", "d"},     {"a", ""}, {"a.", ""},
                 {".txt", ""},     {"a/.b", ""},  {"x/a.tar.GZ", "GZ"}, {"", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *extension = static_path_extension(cases[i].path);
        CHECK_TEXT(extension, strlen(extension), cases[i].extension);
    }
}

int main(void) {
    RUN(test_names);
    RUN(test_refused);
    RUN(test_well_known);
    RUN(test_prefixes);
    RUN(test_extensions);
    return test_report();
}
