/* test_evil_cuts.c - models cut short: plainly, inside with the lengths around repaired, and while they are read
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "fuzz/mutate_onnx.h"
#include "onnx/wire.h"
#include "support/hostile.h"
#include "support/onnx_build.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const int allowed[] = {MOTE_E_FORMAT, MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_LIMIT, MOTE_E_MODEL, MOTE_E_UNSUPPORTED, MOTE_E_SHAPE, MOTE_E_DTYPE, MOTE_E_VALUE, -1};

/* Appends the first `keep` bytes' worth of a message, messages inside it cut likewise. */
static void cut_message(const uint8_t *p, size_t n, size_t keep, pb *out, int depth)
{
    enum { CAP = 4096 };
    mutate_field *f = calloc(CAP, sizeof *f);
    size_t count;
    if (f == NULL)
        abort();
    if (depth > 20 || !mutate_split(p, n, f, CAP, &count)) {
        pb_raw(out, p, keep);
        free(f);
        return;
    }
    for (size_t i = 0; i < count && f[i].at < keep; i++) {
        if (f[i].end <= keep || f[i].type != 2 || f[i].body > keep) {
            pb_raw(out, p + f[i].at, (f[i].end <= keep ? f[i].end : keep) - f[i].at);
            continue;
        }
        uint64_t key = 0;
        size_t at = f[i].at;
        (void)mutate_varint(p, n, &at, &key);
        pb inner = {NULL, 0, 0};
        cut_message(p + f[i].body, f[i].end - f[i].body, keep - f[i].body, &inner, depth + 1);
        pb_bytes(out, (uint32_t)(key >> 3), inner.p, inner.n);
        pb_free(&inner);
    }
    free(f);
}

static void test_small(void **state)
{
    (void)state;
    static const char folder[] = MOTE_TEST_SOURCE_DIR "/tests/fuzz/corpus/fuzz_load";
    DIR *d = opendir(folder);
    assert_non_null(d);
    size_t cuts = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[512];
        uint8_t data[8192];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = e->d_name[0] == '.' || strchr(e->d_name, '-') != NULL ? NULL : fopen(path, "rb");
        if (f == NULL)
            continue;
        size_t n = fread(data, 1, sizeof data, f);
        fclose(f);
        hostile_options o = {.memory_limit = 30 << 20, .step_limit = 1000};
        for (size_t keep = 0; keep < n; keep++)
            for (int repaired = 0; repaired < 2; repaired++) {
                pb m = {NULL, 0, 0};
                if (repaired)
                    cut_message(data, n, keep, &m, 0);
                else
                    pb_raw(&m, data, keep);
                char *exact = malloc(m.n + 1); /* a read past the end is seen */
                if (exact == NULL)
                    abort();
                if (m.n != 0)
                    memcpy(exact + 1, m.p, m.n);
                hostile_result r = hostile_model(exact + 1, m.n, &o);
                char name[700];
                snprintf(name, sizeof name, "%s cut to %zu%s", path, keep, repaired ? ", repaired" : "");
                hostile_expect(name, &r, allowed);
                free(exact);
                pb_free(&m);
                cuts++;
            }
    }
    closedir(d);
    assert_true(cuts > 10000);
}

/* ---- real models ---- */

typedef struct payloads {
    size_t at[100000], end[100000], n;
} payloads;

/* Where tensors' data lies: the fields of more than 256 bytes in TensorProtos. kind: 0 model, 1 graph, 2 node, 3 attribute, 4 tensor. */
static void find_payloads(mote_wire w, int kind, int depth, payloads *p)
{
    mote_wire_field f;
    bool more;
    while (depth < 40 && mote_wire_next(&w, &f, &more, NULL) == MOTE_OK && more) {
        if (f.type != MOTE_WIRE_BYTES)
            continue;
        mote_wire in = mote_wire_in(&w, f.bytes);
        if (kind == 4 && f.bytes.n > 256 && p->n < 100000) {
            p->at[p->n] = (size_t)((const uint8_t *)f.bytes.p - w.file);
            p->end[p->n] = p->at[p->n] + f.bytes.n;
            p->n++;
        } else if (kind == 0 && f.id == 7) {
            find_payloads(in, 1, depth + 1, p);
        } else if (kind == 1 && (f.id == 1 || f.id == 5)) {
            find_payloads(in, f.id == 1 ? 2 : 4, depth + 1, p);
        } else if (kind == 2 && f.id == 5) {
            find_payloads(in, 3, depth + 1, p);
        } else if (kind == 3 && (f.id == 5 || f.id == 6)) {
            find_payloads(in, f.id == 5 ? 4 : 1, depth + 1, p);
        }
    }
}

static void cut_real(const char *path)
{
    static payloads p;
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        fail_msg("%s", path);
    size_t n = (size_t)st.st_size;
    void *data = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    assert_true(data != MAP_FAILED);
    p.n = 0;
    find_payloads(mote_wire_of(data, n), 0, 0, &p);
    size_t inside = 0, k = 0, cuts = 0;
    for (size_t i = 0; i < p.n; i++)
        inside += p.end[i] - p.at[i];
    hostile_options o = {.stop_after = "load"};
    for (size_t keep = 0, passed = 0; keep < n;) {
        hostile_result r = hostile_model(data, keep, &o);
        char name[700];
        snprintf(name, sizeof name, "%s cut to %zu", path, keep);
        hostile_expect(name, &r, allowed);
        cuts++;
        while (k < p.n && keep >= p.end[k])
            passed += p.end[k] - p.at[k], k++;
        if (k < p.n && keep >= p.at[k]) { /* 200 places over all payloads */
            size_t step = inside / 200 + 1;
            keep = keep + step < p.end[k] ? keep + step : p.end[k];
        } else {
            keep++;
        }
        (void)passed;
    }
    munmap(data, n);
    print_message("%s: %zu cuts, %zu payloads\n", path, cuts, p.n);
}

static void test_real(void **state)
{
    (void)state;
    static const char *const models[] = {"vision/mnist", "audio/keywords", "audio/keywords-int8-qdq", "audio/wavenet-amp", "audio/dtln-1", "vision/ultraface-320", "vision/mobilenetv3-small", "audio/silero-vad", "vision/mobilenetv2-int8-qdq"};
    const char *shared = getenv("MOTE_SHARED");
    size_t found = 0;
    for (size_t i = 0; shared != NULL && i < sizeof models / sizeof models[0]; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/data/%s.onnx", shared, models[i]);
        if (access(path, R_OK) == 0) {
            cut_real(path);
            found++;
        }
    }
    if (found == 0) {
        print_message("no models at $MOTE_SHARED/data\n");
        skip();
    }
}

/* ---- files that change ---- */

static char folder[64], path[128];

static int make_file(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/mote-cuts-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    size_t bytes = 4 << 20;
    float *w = calloc(1, bytes);
    pb g = {NULL, 0, 0}, t = onnx_floats("w", 1, (const int64_t[]){1 << 20}, w), x = onnx_value("x", 1, 1, (const int64_t[]){1 << 20}), y = onnx_value("y", 1, -1, NULL),
       n = onnx_node("Add", "x,w", "y");
    pb_msg(&g, 1, &n);
    pb_msg(&g, 5, &t);
    pb_msg(&g, 11, &x);
    pb_msg(&g, 12, &y);
    pb m = onnx_model(&g, 17);
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(m.p, 1, m.n, f) == m.n && fclose(f) == 0;
    pb_free(&m);
    free(w);
    return ok ? 0 : -1;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    rmdir(folder);
    return 0;
}

static atomic_bool stop;

static void *shrink(void *ctx)
{
    off_t whole = *(off_t *)ctx;
    for (unsigned i = 0; !atomic_load(&stop); i++) {
        if (truncate(path, (off_t)(i % 7) * (whole / 8)) != 0 || truncate(path, whole) != 0)
            abort();
        usleep(100);
    }
    return NULL;
}

/* With copy, a file that another thread shortens all the time gives an error or a model, and no signal. */
static void test_shrinking_copy(void **state)
{
    (void)state;
    struct stat st;
    pthread_t thread;
    assert_int_equal(stat(path, &st), 0);
    off_t whole = st.st_size;
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, shrink, &whole), 0);
    for (int i = 0; i < 100; i++) {
        hostile_options o = {.copy = true, .stop_after = "load"};
        hostile_result r = hostile_path(path, &o);
        hostile_expect("a file that shrinks", &r, (const int[]){MOTE_OK, MOTE_E_IO, MOTE_E_FORMAT, MOTE_E_MODEL, -1});
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
}

/* Mapped, a file that is shortened after loading ends whoever reads the part that is gone: SECURITY.md says so. Nothing else may happen. */
static void test_shrunk_map(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        mote_model *model;
        mote_session *s;
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 1;
        signal(SIGBUS, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        if (mote_model_load_path(path, &o, &model, NULL) != MOTE_OK || mote_session_create(model, &so, &s, NULL) != MOTE_OK || truncate(path, 100) != 0)
            _exit(1);
        mote_status status = mote_session_run(s, NULL, NULL);
        mote_session_destroy(&s);
        mote_model_destroy(&model);
        _exit(status == MOTE_OK ? 0 : 2);
    }
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small), cmocka_unit_test(test_real),
                                       cmocka_unit_test_setup_teardown(test_shrinking_copy, make_file, remove_file),
                                       cmocka_unit_test_setup_teardown(test_shrunk_map, make_file, remove_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
