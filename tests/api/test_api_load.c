/* test_api_load.c - loading from a path, memory, a part of an open file, a reader; options; what goes wrong; order of destruction
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "support/model.h"
#include "support/nets.h"

static char folder[256];

static int make_folder(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/mote-load-XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_file(const char *path, const void *before, size_t n_before, const void *bytes, size_t n, size_t after)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(before, 1, n_before, f), n_before);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    for (size_t i = 0; i < after; i++)
        fputc(0xee, f);
    assert_int_equal(fclose(f), 0);
}

/* The first output for the same input. */
static uint64_t answer(mote_model *model)
{
    mote_diag diag = MOTE_DIAG_INIT;
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 1;
    mote_session *s = session_of(model, &o);
    prepare_for(model, s, 8);
    fill_inputs(model, s, 1);
    ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    const mote_tensor *t = mote_session_output(s, 0);
    uint64_t hash = mote_str_hash((mote_str){mote_tensor_map(t), t->bytes});
    mote_session_destroy(&s);
    return hash;
}

/* ---- sources ---- */

typedef struct source {
    const unsigned char *bytes;
    size_t n, reads, largest, fail_at;
} source;

static bool read_source(void *ctx, uint64_t offset, void *buf, size_t bytes)
{
    source *s = ctx;
    if (s->reads++ >= s->fail_at || offset > s->n || bytes > s->n - offset)
        return false;
    s->largest = bytes > s->largest ? bytes : s->largest;
    memcpy(buf, s->bytes + offset, bytes);
    return true;
}

static void every_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        size_t n;
        void *bytes = onnx_of(all_nets[i], &n);
        char path[512];
        mote_diag diag = MOTE_DIAG_INIT;
        mote_model *model;
        ASSERT_OK(mote_model_load_memory(bytes, n, NULL, &model, &diag), diag);
        uint64_t want = answer(model);
        mote_model_destroy(&model);

        char *moved = malloc(n + 8); /* memory may lie anywhere */
        for (size_t shift = 1; shift < 8; shift += 3) {
            memcpy(moved + shift, bytes, n);
            ASSERT_OK(mote_model_load_memory(moved + shift, n, NULL, &model, &diag), diag);
            assert_true(answer(model) == want);
            mote_model_destroy(&model);
        }
        free(moved);

        snprintf(path, sizeof path, "%s/a.onnx", folder);
        write_file(path, "", 0, bytes, n, 0);
        for (int copy = 0; copy < 2; copy++) {
            mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
            o.copy = copy != 0;
            ASSERT_OK(mote_model_load_path(path, &o, &model, &diag), diag);
            if (copy != 0)
                assert_int_equal(truncate(path, 1), 0); /* a copy does not mind */
            assert_true(answer(model) == want);
            mote_session *s = session_of(model, NULL);
            mote_memory_info m = MOTE_MEMORY_INFO_INIT;
            assert_int_equal(mote_session_memory(s, &m), MOTE_OK);
            assert_true(copy != 0 || m.mapped_bytes >= n);
            mote_session_destroy(&s);
            mote_model_destroy(&model);
        }
        static const size_t offsets[] = {0, 1, 100, 4096, 5000}; /* inside a larger file, on a page or not */
        char *before = calloc(1, 5000);
        for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
            write_file(path, before, offsets[k], bytes, n, k % 2 == 0 ? 0 : 777);
            int fd = open(path, O_RDONLY);
            assert_true(fd >= 0);
            for (int copy = 0; copy < 2; copy++) {
                mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
                o.copy = copy != 0;
                ASSERT_OK(mote_model_load_fd(fd, offsets[k], k % 2 == 0 && copy == 0 ? 0 : n, &o, &model, &diag), diag);
                if (copy != 0)
                    close(fd); /* it is not kept */
                assert_true(answer(model) == want);
                mote_model_destroy(&model);
            }
        }
        free(before);
        unlink(path);

        source src = {bytes, n, 0, 0, SIZE_MAX};
        mote_reader reader = {sizeof reader, &src, n, read_source};
        ASSERT_OK(mote_model_load_reader(&reader, NULL, &model, &diag), diag);
        size_t reads = src.reads;
        assert_true(answer(model) == want);
        assert_int_equal(src.reads, reads); /* only during load */
        mote_model_destroy(&model);
        for (size_t at = 0; at < reads; at++) { /* a read that fails */
            src.reads = 0;
            src.fail_at = at;
            assert_int_equal(mote_model_load_reader(&reader, NULL, &model, &diag), MOTE_E_IO);
            assert_int_equal(diag.code, MOTE_E_IO);
            assert_null(model);
        }
        src.fail_at = SIZE_MAX;
        reader.size = n + 5; /* a size that is not true: its end cannot be read */
        assert_int_equal(mote_model_load_reader(&reader, NULL, &model, &diag), MOTE_E_IO);
        reader.size = n / 2; /* cut */
        assert_int_not_equal(mote_model_load_reader(&reader, NULL, &model, &diag), MOTE_OK);
        reader.size = UINT64_MAX;
        assert_int_not_equal(mote_model_load_reader(&reader, NULL, &model, &diag), MOTE_OK);
        reader.size = 0;
        assert_int_not_equal(mote_model_load_reader(&reader, NULL, &model, &diag), MOTE_OK);
        free(bytes);
    }
}

static void bad_sources(void **state)
{
    (void)state;
    size_t n;
    void *bytes = onnx_of(optional_net, &n);
    char path[512];
    mote_model *model = (mote_model *)&n;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_reader reader = {sizeof reader, NULL, n, NULL};
    snprintf(path, sizeof path, "%s/none.onnx", folder);
    assert_int_equal(mote_model_load_path(path, NULL, &model, &diag), MOTE_E_IO);
    assert_null(model);
    ASSERT_SAYS(diag, "none.onnx");
    assert_int_equal(mote_model_load_path(folder, NULL, &model, &diag), MOTE_E_IO);
    assert_int_equal(mote_model_load_path(NULL, NULL, &model, &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_load_path(path, NULL, NULL, &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_load_memory(NULL, 5, NULL, &model, &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_load_memory(bytes, 0, NULL, &model, &diag), MOTE_E_FORMAT);
    assert_int_equal(mote_model_load_memory(bytes, n - 3, NULL, &model, &diag), MOTE_E_FORMAT);
    assert_int_equal(mote_model_load_fd(-1, 0, 0, NULL, &model, &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_load_fd(12345, 0, 0, NULL, &model, &diag), MOTE_E_IO);
    assert_int_equal(mote_model_load_reader(NULL, NULL, &model, &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_load_reader(&reader, NULL, &model, &diag), MOTE_E_ARGUMENT);
    reader.read = read_source;
    reader.struct_size = 8;
    assert_int_equal(mote_model_load_reader(&reader, NULL, &model, &diag), MOTE_E_ARGUMENT);
    write_file(path, "", 0, bytes, n, 0);
    int fd = open(path, O_RDONLY);
    assert_int_not_equal(mote_model_load_fd(fd, n + 1, 0, NULL, &model, &diag), MOTE_OK);
    assert_int_not_equal(mote_model_load_fd(fd, 0, n + 1, NULL, &model, &diag), MOTE_OK);
    assert_int_not_equal(mote_model_load_fd(fd, UINT64_MAX, UINT64_MAX, NULL, &model, &diag), MOTE_OK);
    assert_int_not_equal(mote_model_load_fd(fd, 1, UINT64_MAX, NULL, &model, &diag), MOTE_OK);
    close(fd);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    close(pipes[1]);
    assert_int_equal(mote_model_load_fd(pipes[0], 0, 0, NULL, &model, &diag), MOTE_E_IO);
    close(pipes[0]);
    unlink(path);
    free(bytes);
}

/* ---- options ---- */

static void struct_sizes(void **state)
{
    (void)state;
    size_t n;
    void *bytes = onnx_of(optional_net, &n);
    mote_model *model;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.struct_size = 0;
    assert_int_equal(mote_model_load_memory(bytes, n, &o, &model, &diag), MOTE_E_ARGUMENT);
    o.struct_size = sizeof o + 8;
    assert_int_equal(mote_model_load_memory(bytes, n, &o, &model, &diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(diag, "not of this version");
    o.stop_after = "nonsense"; /* not read: an older struct ends before it */
    o.struct_size = offsetof(mote_load_options, copy);
    ASSERT_OK(mote_model_load_memory(bytes, n, &o, &model, &diag), diag);
    mote_session *s = NULL;
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.struct_size = 0;
    assert_int_equal(mote_session_create(model, &so, &s, &diag), MOTE_E_ARGUMENT);
    so.struct_size = sizeof so + 1;
    assert_int_equal(mote_session_create(model, &so, &s, &diag), MOTE_E_ARGUMENT);
    assert_null(s);
    so.struct_size = offsetof(mote_session_options, memory_limit);
    so.memory_limit = 1; /* not read */
    so.threads = 1;
    ASSERT_OK(mote_session_create(model, &so, &s, &diag), diag);
    mote_run_options ro = MOTE_RUN_OPTIONS_INIT;
    ro.struct_size = 0;
    assert_int_equal(mote_session_run(s, &ro, &diag), MOTE_E_ARGUMENT);
    ro.struct_size = sizeof ro + 1;
    assert_int_equal(mote_session_run(s, &ro, &diag), MOTE_E_ARGUMENT);
    ro.struct_size = sizeof(size_t);
    ro.step_limit = 1; /* not read */
    ASSERT_OK(mote_session_run(s, &ro, &diag), diag);
    ro.struct_size = sizeof ro;
    assert_int_equal(mote_session_run(s, &ro, &diag), MOTE_E_LIMIT);
    mote_session_destroy(&s);
    assert_int_equal(mote_session_create(NULL, NULL, &s, &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_session_create(model, NULL, NULL, &diag), MOTE_E_ARGUMENT);
    so = (mote_session_options)MOTE_SESSION_OPTIONS_INIT;
    so.threads = 100000;
    assert_int_equal(mote_session_create(model, &so, &s, &diag), MOTE_E_ARGUMENT);
    mote_model_destroy(&model);
    free(bytes);
}

static void named_options(void **state)
{
    (void)state;
    size_t n;
    void *bytes = onnx_of(conv_net, &n);
    static const struct {
        const char *disabled, *stop;
        mote_status status;
        const char *says;
    } cases[] = {{"all", NULL, MOTE_OK, ""},
                 {"nothing_like_it", NULL, MOTE_E_ARGUMENT, "'nothing_like_it'"},
                 {NULL, "nothing_like_it", MOTE_E_ARGUMENT, "no stage 'nothing_like_it'"},
                 {NULL, "load", MOTE_OK, ""},
                 {NULL, "infer", MOTE_OK, ""},
                 {NULL, "simplify", MOTE_OK, ""},
                 {NULL, "assign", MOTE_OK, ""},
                 {NULL, "lower", MOTE_OK, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        mote_model *model;
        mote_diag diag = MOTE_DIAG_INIT;
        o.disabled_passes = cases[i].disabled;
        o.stop_after = cases[i].stop;
        assert_int_equal(mote_model_load_memory(bytes, n, &o, &model, &diag), cases[i].status);
        ASSERT_SAYS(diag, cases[i].says);
        mote_model_destroy(&model);
    }
    free(bytes);
}

/* ---- lives ---- */

static void destroyed_in_any_order(void **state)
{
    (void)state;
    void *bytes;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_threadpool *pool;
    assert_int_equal(mote_threadpool_create(2, &pool), MOTE_OK);
    for (int order = 0; order < 4; order++) {
        mote_model *model = model_of(conv_net, NULL, &bytes);
        mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
        o.threadpool = pool;
        mote_session *a = session_of(model, &o), *b = session_of(model, &o);
        if ((order & 1) == 0)
            mote_model_destroy(&model); /* sessions keep it alive */
        if ((order & 2) == 0)
            mote_session_destroy(&a);
        mote_tensor shape = SHAPE(MOTE_DTYPE_F32, 1, 3, 9, 9);
        ASSERT_OK(mote_session_prepare(b, &shape, 1, &diag), diag);
        fill_tensor(mote_session_input(b, 0), 1);
        ASSERT_OK(mote_session_run(b, NULL, &diag), diag);
        mote_session_destroy(&b);
        mote_session_destroy(&a);
        mote_model_destroy(&model);
        free(bytes);
    }
    mote_threadpool_destroy(&pool);
    mote_model_destroy(NULL);
    mote_session_destroy(NULL);
    mote_threadpool_destroy(NULL);
}

static void metadata(void **state)
{
    (void)state;
    void *bytes;
    mote_model *model = model_of("module ir 8 opset \"\" 17 meta \"b\" \"two\" meta \"a\" \"\" graph (x: float32[1]) { y = Neg(x) return y }", NULL, &bytes);
    const char *key, *value;
    assert_int_equal(mote_model_metadata_count(model), 2);
    assert_int_equal(mote_model_metadata_at(model, 0, &key, &value), MOTE_OK);
    assert_string_equal(key, "b");
    assert_string_equal(value, "two");
    assert_string_equal(mote_model_metadata(model, "a"), "");
    assert_null(mote_model_metadata(model, "c"));
    assert_null(mote_model_metadata(model, NULL));
    assert_int_equal(mote_model_metadata_at(model, 2, &key, &value), MOTE_E_ARGUMENT);
    assert_int_equal(mote_model_metadata_at(model, 0, NULL, &value), MOTE_E_ARGUMENT);
    mote_model_destroy(&model);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source),  cmocka_unit_test(bad_sources),           cmocka_unit_test(struct_sizes),
        cmocka_unit_test(named_options), cmocka_unit_test(destroyed_in_any_order), cmocka_unit_test(metadata),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
