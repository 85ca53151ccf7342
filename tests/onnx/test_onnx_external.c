/* test_onnx_external.c - data in files beside the model: what may be opened, and what its numbers may say
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/map.h"
#include "onnx/read.h"
#include "onnx/write.h"
#include "support/onnx_build.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static char root[64];

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/mote-external-XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_root(const char *name)
{
    static char path[4][1024];
    static int k;
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", root, name);
    return path[k];
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(in_root(name), "wb");
    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        fail_msg("%s: %s", name, strerror(errno));
}

static void entry(pb *t, const char *key, const char *value, size_t n)
{
    pb e = {NULL, 0, 0};
    pb_str(&e, 1, key);
    pb_bytes(&e, 2, value, n);
    pb_msg(t, 13, &e);
}

/* A model whose initializer w, float[4], lies outside; entries as given: key, value, ..., NULL. */
static pb model(const char *const *entries)
{
    pb g = {NULL, 0, 0}, w = onnx_tensor("w", 1, 1, (const int64_t[]){4}, NULL, 0), n = onnx_node("Identity", "w", "y"), y = onnx_value("y", 1, -1, NULL);
    for (; *entries != NULL; entries += 2)
        entry(&w, entries[0], entries[1], strlen(entries[1]));
    pb_int(&w, 14, 1);
    pb_msg(&g, 5, &w);
    pb_msg(&g, 1, &n);
    pb_msg(&g, 12, &y);
    return onnx_model(&g, 17);
}

static mote_status read_path(const char *path, bool copy, float first[4], mote_diag *diag)
{
    mote_heap heap;
    mote_module *m;
    mote_onnx_files *files;
    mote_heap_init(&heap, NULL, 0);
    *diag = (mote_diag)MOTE_DIAG_INIT;
    mote_status status = mote_onnx_read_path(&heap, path, &(mote_onnx_read_options){.copy = copy}, &m, &files, diag);
    if (status == MOTE_OK && first != NULL)
        memcpy(first, mote_graph_find(m->graph, MOTE_STR("w"), false)->constant->data, 16);
    mote_module_destroy(&m);
    mote_onnx_files_destroy(&files);
    if (heap.used != 0)
        abort();
    return status;
}

static mote_status try_in(const char *folder, const char *const *entries, float first[4], mote_diag *diag)
{
    char name[512];
    pb m = model(entries);
    snprintf(name, sizeof name, "%s%sm.onnx", folder, *folder == 0 ? "" : "/");
    write_file(name, m.p, m.n);
    pb_free(&m);
    float again[4];
    mote_diag other;
    mote_status status = read_path(in_root(name), false, first, diag), copied = read_path(in_root(name), true, again, &other);
    if (status != copied || (status == MOTE_OK && first != NULL && memcmp(first, again, 16) != 0))
        fail_msg("mapped: %d, copied: %d", (int)status, (int)copied);
    return status;
}

static void expect_location(const char *folder, const char *location, mote_status expected)
{
    mote_diag diag;
    float v[4];
    mote_status status = try_in(folder, (const char *const[]){"location", location, NULL}, v, &diag);
    if (status != expected)
        fail_msg("location '%s': status %d '%s', expected %d", location, (int)status, diag.message, (int)expected);
    if (status == MOTE_OK)
        assert_float_equal(v[1], 2, 0);
}

static const float data[] = {1, 2, 3, 4};

static void test_paths(void **state)
{
    (void)state;
    mkdir(in_root("in"), 0755);
    mkdir(in_root("in/sub"), 0755);
    mkdir(in_root("out"), 0755);
    write_file("in/w.bin", data, 16);
    write_file("in/sub/w.bin", data, 16);
    write_file("out/w.bin", data, 16);
    write_file("in/back\\slash", data, 16);
    static const char *const good[] = {"w.bin", "sub/w.bin"};
    for (size_t i = 0; i < 2; i++)
        expect_location("in", good[i], MOTE_OK);
    char absolute[512];
    snprintf(absolute, sizeof absolute, "%s", in_root("in/w.bin"));
    const char *bad[] = {"../out/w.bin", "../in/w.bin", "sub/../w.bin", "sub/../../out/w.bin", "..", ".", "./w.bin", "sub/./w.bin", "sub//w.bin", "w.bin/", "/", "", "back\\slash", "..\\out\\w.bin",
                         absolute, "/etc/passwd", "/proc/self/mem", "//etc/passwd", "sub/.."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_location("in", bad[i], MOTE_E_PATH);
    expect_location("in", "sub", MOTE_E_PATH); /* a folder */
    expect_location("in", "absent.bin", MOTE_E_IO);
    expect_location("in", "w.bin/more", MOTE_E_IO);
    expect_location("in", "absent/w.bin", MOTE_E_IO);
    char longer[3000];
    memset(longer, 'a', sizeof longer);
    longer[2999] = 0;
    expect_location("in", longer, MOTE_E_PATH);
    longer[300] = 0;
    expect_location("in", longer, MOTE_E_IO); /* a name that no file system has */
    pb g = {NULL, 0, 0}, w = onnx_tensor("w", 1, 1, (const int64_t[]){4}, NULL, 0); /* a NUL hides the rest of the name from the system */
    entry(&w, "location", "w.bin\0/../../out", 16);
    pb_int(&w, 14, 1);
    pb_msg(&g, 5, &w);
    pb m = onnx_model(&g, 17);
    write_file("in/nul.onnx", m.p, m.n);
    pb_free(&m);
    mote_diag diag;
    assert_int_equal(read_path(in_root("in/nul.onnx"), false, NULL, &diag), MOTE_E_PATH);
}

static void test_links(void **state)
{
    (void)state;
    mkdir(in_root("in"), 0755);
    mkdir(in_root("in/sub"), 0755);
    mkdir(in_root("out"), 0755);
    write_file("in/w.bin", data, 16);
    write_file("out/w.bin", data, 16);
    static const struct { const char *to, *at, *location; mote_status status; } links[] = {
        {"w.bin", "in/inside", "inside", MOTE_OK},
        {"../w.bin", "in/sub/up", "sub/up", MOTE_OK},
        {"../out/w.bin", "in/outside", "outside", MOTE_E_PATH},
        {"../out", "in/folder", "folder/w.bin", MOTE_E_PATH},
        {"sub", "in/folder_in", "folder_in/up", MOTE_OK},
        {"/etc/passwd", "in/passwd", "passwd", MOTE_E_PATH},
        {"/proc/self/mem", "in/mem", "mem", MOTE_E_PATH},
        {"/dev/zero", "in/zero", "zero", MOTE_E_PATH},
        {"loop", "in/loop", "loop", MOTE_E_IO},
        {"nothing", "in/dangling", "dangling", MOTE_E_IO}};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (symlink(links[i].to, in_root(links[i].at)) != 0)
            fail_msg("%s", strerror(errno));
        expect_location("in", links[i].location, links[i].status);
    }
    assert_int_equal(mkfifo(in_root("in/fifo"), 0644), 0);
    expect_location("in", "fifo", MOTE_E_PATH); /* and does not wait for a writer */
    assert_int_equal(link(in_root("out/w.bin"), in_root("in/hard")), 0);
    expect_location("in", "hard", MOTE_OK);
    /* a folder whose name begins like the model's is not inside it */
    mkdir(in_root("in_more"), 0755);
    write_file("in_more/w.bin", data, 16);
    assert_int_equal(symlink("../in_more/w.bin", in_root("in/sibling")), 0);
    expect_location("in", "sibling", MOTE_E_PATH);
}

/* A cache that keeps every file in blobs/ and links to them from snapshots/: model and data are both links. */
static void test_snapshot(void **state)
{
    (void)state;
    static const char *const folders[] = {"hub", "hub/blobs", "hub/snapshots", "hub/snapshots/abc", "hub/snapshots/abc/onnx"};
    for (size_t i = 0; i < 5; i++)
        mkdir(in_root(folders[i]), 0755);
    pb m = model((const char *const[]){"location", "model.onnx_data", NULL});
    write_file("hub/blobs/1111", m.p, m.n);
    pb_free(&m);
    write_file("hub/blobs/2222", data, 16);
    write_file("secret", data, 16);
    assert_int_equal(symlink("../../../blobs/1111", in_root("hub/snapshots/abc/onnx/model.onnx")), 0);
    assert_int_equal(symlink("../../../blobs/2222", in_root("hub/snapshots/abc/onnx/model.onnx_data")), 0);
    mote_diag diag;
    float v[4];
    if (read_path(in_root("hub/snapshots/abc/onnx/model.onnx"), false, v, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    assert_float_equal(v[3], 4, 0);
    /* opened through a link to the folder, too */
    assert_int_equal(symlink("hub/snapshots/abc/onnx", in_root("latest")), 0);
    assert_int_equal(read_path(in_root("latest/model.onnx"), false, v, &diag), MOTE_OK);
    /* what leads out of the store is refused all the same */
    assert_int_equal(unlink(in_root("hub/snapshots/abc/onnx/model.onnx_data")), 0);
    assert_int_equal(symlink("../../../../secret", in_root("hub/snapshots/abc/onnx/model.onnx_data")), 0);
    assert_int_equal(read_path(in_root("hub/snapshots/abc/onnx/model.onnx"), false, v, &diag), MOTE_E_PATH);
}

static void test_numbers(void **state)
{
    (void)state;
    static char big[70000];
    for (size_t i = 0; i + 16 <= sizeof big; i += 4)
        memcpy(big + i, &data[i / 4 % 4], 4);
    write_file("w.bin", big, sizeof big);
    static const struct { const char *offset, *length; mote_status status; } cases[] = {
        {NULL, NULL, MOTE_OK}, {"0", "16", MOTE_OK}, {"4096", "16", MOTE_OK}, {"16384", "16", MOTE_OK}, {"65536", NULL, MOTE_OK}, {"12", "16", MOTE_OK}, {"3", "16", MOTE_OK}, {"4097", "16", MOTE_OK},
        {"69984", "16", MOTE_OK}, {"69985", "16", MOTE_E_MODEL}, {"70000", "16", MOTE_E_MODEL}, {"70001", NULL, MOTE_E_MODEL}, {"0", "15", MOTE_E_MODEL}, {"0", "17", MOTE_E_MODEL}, {"0", "0", MOTE_E_MODEL},
        {"-1", "16", MOTE_E_MODEL}, {"0", "-16", MOTE_E_MODEL}, {"9223372036854775807", "16", MOTE_E_MODEL}, {"9223372036854775808", "16", MOTE_E_MODEL}, {"18446744073709551615", "16", MOTE_E_MODEL},
        {"18446744073709551616", "16", MOTE_E_MODEL}, {"9223372036854775800", "16", MOTE_E_MODEL}, {"0", "9223372036854775807", MOTE_E_MODEL}, {"", "16", MOTE_E_MODEL}, {"0", "", MOTE_E_MODEL},
        {"0x10", "16", MOTE_E_MODEL}, {" 16", "16", MOTE_E_MODEL}, {"16 ", "16", MOTE_E_MODEL}, {"+16", "16", MOTE_E_MODEL}, {"1e3", "16", MOTE_E_MODEL}, {"12.0", "16", MOTE_E_MODEL}, {"zero", "16", MOTE_E_MODEL},
        {"00000000000000000000000000000000", "16", MOTE_E_MODEL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *entries[7] = {"location", "w.bin"};
        size_t n = 2;
        if (cases[i].offset != NULL)
            entries[n++] = "offset", entries[n++] = cases[i].offset;
        if (cases[i].length != NULL)
            entries[n++] = "length", entries[n++] = cases[i].length;
        entries[n] = NULL;
        mote_diag diag;
        float v[4];
        mote_status status = try_in("", entries, v, &diag);
        if (status != cases[i].status)
            fail_msg("offset %s, length %s: status %d '%s'", cases[i].offset, cases[i].length, (int)status, diag.message);
        if (status == MOTE_OK && cases[i].offset != NULL)
            assert_memory_equal(v, big + atoi(cases[i].offset), 16);
    }
    static const char *const wrong[][7] = {{"location", "w.bin", "location", "w.bin"}, {"location", "w.bin", "offset", "0", "offset", "4"}, {"offset", "0"}, {NULL}, {"location", "w.bin", "basepath", "/"},
                                           {"location", "w.bin", "", "1"}, {"location", "w.bin", "Offset", "0"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mote_diag diag;
        assert_int_equal(try_in("", wrong[i], NULL, &diag), MOTE_E_MODEL);
    }
    mote_diag diag;
    assert_int_equal(try_in("", (const char *const[]){"location", "w.bin", "checksum", "da39a3ee", NULL}, NULL, &diag), MOTE_OK);
    assert_int_equal(truncate(in_root("w.bin"), 8), 0); /* shorter than the tensor */
    assert_int_equal(try_in("", (const char *const[]){"location", "w.bin", NULL}, NULL, &diag), MOTE_E_MODEL);
    assert_int_equal(truncate(in_root("w.bin"), 0), 0);
    assert_int_equal(try_in("", (const char *const[]){"location", "w.bin", NULL}, NULL, &diag), MOTE_E_MODEL);
}

/* What a copied file takes is no part of the model's structure, however large. */
static void test_large_copy(void **state)
{
    (void)state;
    write_file("w.bin", data, 16);
    assert_int_equal(truncate(in_root("w.bin"), 80 << 20), 0);
    mote_diag diag;
    float v[4];
    if (try_in("", (const char *const[]){"location", "w.bin", NULL}, v, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
}

/* Parts of a file from any offset: the system maps from a multiple of its page, be it 4, 16 or 64 KiB. */
static void test_map_offsets(void **state)
{
    (void)state;
    size_t n = 200000;
    unsigned char *bytes = malloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    write_file("parts", bytes, n);
    int fd = open(in_root("parts"), O_RDONLY);
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    static const uint64_t offsets[] = {0, 1, 4095, 4096, 4097, 8192, 16383, 16384, 20480, 65536, 65537, 199999, 200000};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
        for (int copy = 0; copy < 2; copy++) {
            mote_map map;
            uint64_t length = n - offsets[i] < 5000 ? n - offsets[i] : 5000;
            assert_int_equal(mote_map_fd(&map, fd, offsets[i], length, copy, "parts", &heap, NULL), MOTE_OK);
            assert_int_equal(map.bytes, length);
            assert_memory_equal(map.data, bytes + offsets[i], (size_t)length);
            mote_map_deinit(&map);
            assert_int_equal(mote_map_fd(&map, fd, offsets[i], n - offsets[i] + 1, copy, "parts", &heap, NULL), MOTE_E_FORMAT);
            assert_int_equal(mote_map_fd(&map, fd, offsets[i], UINT64_MAX, copy, "parts", &heap, NULL), MOTE_E_FORMAT);
        }
    mote_map map;
    assert_int_equal(mote_map_fd(&map, fd, n + 1, 0, false, "parts", &heap, NULL), MOTE_E_FORMAT);
    assert_int_equal(mote_map_fd(&map, fd, UINT64_MAX, UINT64_MAX, false, "parts", &heap, NULL), MOTE_E_FORMAT);
    close(fd);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(mote_map_fd(&map, pipes[0], 0, 0, false, "a pipe", &heap, NULL), MOTE_E_IO);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(mote_map_path(&map, root, false, &heap, NULL), MOTE_E_IO);
    assert_int_equal(mote_map_path(&map, "/dev/zero", false, &heap, NULL), MOTE_E_IO);
    assert_int_equal(heap.used, 0);
    free(bytes);
}

/* ---- writing ---- */

static size_t file_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static size_t files_in_root(void)
{
    size_t n = 0;
    char command[200], line[300];
    snprintf(command, sizeof command, "ls -A %s", root);
    FILE *f = popen(command, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        n++;
    pclose(f);
    return n;
}

/* Above a limit, tensors of 1 KiB and more go to a file beside, at multiples of 16 KiB, under a name that says what is in it; the rest stays. */
static void test_write(void **state)
{
    (void)state;
    float *w = malloc(40000);
    for (int i = 0; i < 10000; i++)
        w[i] = (float)i;
    pb g = {NULL, 0, 0}, a = onnx_floats("w", 1, (const int64_t[]){10000}, w), b = onnx_floats("v", 1, (const int64_t[]){300}, w), c = onnx_floats("small", 1, (const int64_t[]){4}, w);
    pb n = onnx_node("Identity", "w", "y"), y = onnx_value("y", 1, -1, NULL);
    free(w);
    pb_msg(&g, 5, &a);
    pb_msg(&g, 5, &b);
    pb_msg(&g, 5, &c);
    pb_msg(&g, 1, &n);
    pb_msg(&g, 12, &y);
    pb m = onnx_model(&g, 17);
    mote_heap heap;
    mote_module *module, *again;
    mote_onnx_files *files, *others;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_heap_init(&heap, NULL, 0);
    assert_int_equal(mote_onnx_read_memory(&heap, m.p, m.n, &(mote_onnx_read_options){.copy = false}, &module, &files, &diag), MOTE_OK);
    mote_onnx_write_options o = {.external_above = 30000};
    char path[200];
    snprintf(path, sizeof path, "%s", in_root("big.onnx"));
    assert_int_equal(mote_onnx_write_path(module, path, &o, &diag), MOTE_OK);
    assert_true(file_size(path) < 1000);
    assert_int_equal(files_in_root(), 2);
    if (mote_onnx_read_path(&heap, path, &(mote_onnx_read_options){.copy = false}, &again, &others, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    static const char *const names[] = {"w", "v", "small"};
    for (size_t i = 0; i < 3; i++) {
        const mote_array *x = mote_graph_find(module->graph, mote_str_c(names[i]), false)->constant, *z = mote_graph_find(again->graph, mote_str_c(names[i]), false)->constant;
        assert_int_equal(x->bytes, z->bytes);
        assert_memory_equal(x->data, z->data, x->bytes);
        if (i < 2)
            assert_int_equal((uintptr_t)z->data % 16384 % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
    }
    /* written again: the same names and bytes; refused unless overwriting is allowed */
    mote_diag other = MOTE_DIAG_INIT;
    assert_int_equal(mote_onnx_write_path(module, path, &o, &other), MOTE_E_IO);
    o.overwrite = true;
    assert_int_equal(mote_onnx_write_path(again, path, &o, &diag), MOTE_OK);
    assert_int_equal(files_in_root(), 2);
    mote_module_destroy(&again);
    mote_onnx_files_destroy(&others);
    mote_module_destroy(&module);
    mote_onnx_files_destroy(&files);
    pb_free(&m);
    assert_int_equal(heap.used, 0);
}

/* What fails leaves nothing behind and what was there as it was. */
static void test_write_failures(void **state)
{
    (void)state;
    pb m = model((const char *const[]){"location", "w.bin", NULL});
    write_file("w.bin", data, 16);
    write_file("m.onnx", m.p, m.n);
    pb_free(&m);
    mote_heap heap;
    mote_module *module;
    mote_onnx_files *files;
    mote_heap_init(&heap, NULL, 0);
    assert_int_equal(mote_onnx_read_path(&heap, in_root("m.onnx"), &(mote_onnx_read_options){.copy = false}, &module, &files, NULL), MOTE_OK);
    mkdir(in_root("folder"), 0755);
    mote_onnx_write_options o = {.overwrite = false};
    write_file("there", "old", 3);
    size_t before = files_in_root();
    assert_int_equal(mote_onnx_write_path(module, in_root("there"), &o, NULL), MOTE_E_IO);
    o.overwrite = true;
    assert_int_equal(mote_onnx_write_path(module, in_root("folder"), &o, NULL), MOTE_E_IO);
    assert_int_equal(mote_onnx_write_path(module, in_root("absent/m.onnx"), &o, NULL), MOTE_E_IO);
    assert_int_equal(mote_onnx_write_path(module, "/dev/full", &o, NULL), MOTE_E_IO);
    assert_int_equal(files_in_root(), before);
    assert_int_equal(file_size(in_root("there")), 3);
    mote_module_destroy(&module);
    mote_onnx_files_destroy(&files);
    assert_int_equal(heap.used, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_paths), TEST(test_links), TEST(test_snapshot), TEST(test_numbers), TEST(test_large_copy), TEST(test_map_offsets), TEST(test_write), TEST(test_write_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
