/* test_evil_allocation.c - allocation number N fails, for every N over load, session, plan, run and destroy
 * SPDX-License-Identifier: Apache-2.0
 *
 * The models are the seeds of the fuzz target (products, attention, shape arithmetic, Loop, If, Scan, functions, strings, quantization, recurrent cells)
 * and one with external data. Once that allocation alone fails, once it and all behind it: the answer is MOTE_E_MEMORY or, where the failure was made
 * good (a cache given up), success; what was taken is given back. */
#include "base/platform.h"
#include "onnx/read.h"
#include "onnx/write.h"
#include "support/hostile.h"
#include "support/onnx_build.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static size_t failures, recovered;

static void each_failure(const char *path, const hostile_options *o)
{
    hostile_heap h;
    hostile_init(&h);
    hostile_result whole = hostile_under(&h, path, NULL, 0, o);
    if (whole.status == MOTE_E_UNSUPPORTED)
        return; /* an operator that this build does not have yet: nothing to run */
    if (whole.status != MOTE_OK)
        fail_msg("%s: %s: %s", path, whole.step, whole.diag.message);
    size_t calls = h.calls;
    for (int all = 0; all < 2; all++)
        for (size_t n = 1; n <= calls; n++) {
            hostile_init(&h);
            h.fail_at = n;
            h.fail_all = all != 0;
            hostile_result r = hostile_under(&h, path, NULL, 0, o);
            if (r.status != MOTE_E_MEMORY && (r.status != MOTE_OK || all != 0))
                fail_msg("%s: allocation %zu of %zu fails%s, %s gives %d '%s'", path, n, calls, all ? " and all behind it" : "", r.step, (int)r.status,
                         r.diag.message);
            failures++;
            recovered += r.status == MOTE_OK;
        }
}

static void test_models(void **state)
{
    (void)state;
    static const char folder[] = MOTE_TEST_SOURCE_DIR "/tests/fuzz/corpus/fuzz_load";
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.' || strchr(e->d_name, '-') != NULL)
            continue;
        each_failure(path, &(hostile_options){.fill = 1});
        each_failure(path, &(hostile_options){.reference = true, .copy = true, .fill = 1});
    }
    closedir(d);
    print_message("%zu failures, %zu made good\n", failures, recovered);
    assert_true(failures > 1000);
}

static void test_external(void **state)
{
    (void)state;
    char folder[] = "/tmp/mote-evil-XXXXXX", path[64], data[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    snprintf(data, sizeof data, "%s/w.bin", folder);
    pb g = {NULL, 0, 0}, w = onnx_tensor("w", 1, 1, (const int64_t[]){4}, NULL, 0), e = {NULL, 0, 0};
    pb x = onnx_value("x", 1, 1, (const int64_t[]){4}), y = onnx_value("y", 1, 1, (const int64_t[]){4}), n = onnx_node("Add", "x,w", "y");
    pb_str(&e, 1, "location");
    pb_str(&e, 2, "w.bin");
    pb_msg(&w, 13, &e);
    pb_int(&w, 14, 1);
    pb_msg(&g, 5, &w);
    pb_msg(&g, 11, &x);
    pb_msg(&g, 12, &y);
    pb_msg(&g, 1, &n);
    pb m = onnx_model(&g, 17);
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(m.p, 1, m.n, f), m.n);
    fclose(f);
    f = fopen(data, "wb");
    assert_int_equal(fwrite("0123456789abcdef", 1, 16, f), 16);
    fclose(f);
    pb_free(&m);
    each_failure(path, &(hostile_options){.fill = 1});
    each_failure(path, &(hostile_options){.copy = true});
    unlink(path);
    unlink(data);
    rmdir(folder);
}

static void *failing(void *ctx, size_t bytes, size_t align)
{
    hostile_heap *h = ctx;
    return h->allocator.alloc(h, bytes, align);
}

static void failing_free(void *ctx, void *p, size_t bytes)
{
    hostile_heap *h = ctx;
    h->allocator.free(h, p, bytes);
}

/* Reading and writing back, with a failure at each allocation. */
static void test_write(void **state)
{
    (void)state;
    static const char path[] = MOTE_TEST_SOURCE_DIR "/tests/fuzz/corpus/fuzz_load/function";
    for (size_t n = 0, calls = 1; n <= calls; n++) {
        hostile_heap h;
        hostile_init(&h);
        h.fail_at = n;
        mote_allocator a = {sizeof a, &h, failing, failing_free};
        mote_heap heap;
        mote_heap_init(&heap, &a, 0);
        mote_module *m;
        mote_onnx_files *files;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = mote_onnx_read_path(&heap, path, &(mote_onnx_read_options){.copy = true}, &m, &files, &diag);
        void *bytes = NULL;
        size_t size = 0;
        if (status == MOTE_OK)
            status = mote_onnx_write_memory(m, &heap, &bytes, &size, &diag);
        if (status != (n == 0 ? MOTE_OK : MOTE_E_MEMORY) || diag.code != status)
            fail_msg("allocation %zu: status %d '%s'", n, (int)status, diag.message);
        mote_heap_free(&heap, bytes, size);
        mote_module_destroy(&m);
        mote_onnx_files_destroy(&files);
        assert_int_equal(h.used, 0);
        assert_int_equal(heap.used, 0);
        if (n == 0)
            calls = h.calls;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_models), cmocka_unit_test(test_external), cmocka_unit_test(test_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
