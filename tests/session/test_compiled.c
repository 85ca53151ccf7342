/* test_compiled.c - compiled models: the same bits as the ONNX file, from everywhere they can come; damaged, foreign and hostile ones refused
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/cpu.h"
#include "base/sum.h"
#include "kernels/gemm/gemm.h"
#include "kernels/igemm/igemm.h"
#include "provider/cpu/family.h"
#include "session/compiled.h"
#include "support/model.h"
#include "support/nets.h"

typedef struct file {
    char folder[64], onnx[96], mote[96];
    uint8_t *bytes; /* of the compiled model, 64-byte aligned */
    size_t n;
    mote_compiled_header header;
} file;

static void put_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static uint8_t *get_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *n = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = aligned_alloc(64, (*n + 127) / 64 * 64);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static void read_compiled(file *f)
{
    free(f->bytes);
    f->bytes = get_file(f->mote, &f->n);
    memcpy(&f->header, f->bytes, sizeof f->header);
}

/* Images of one pixel are too small for the windows of conv_net; the others are planned for sizes of 1. */
static mote_status compile_file(const file *f, const char *text, const mote_compile_options *options, mote_diag *diag)
{
    mote_compile_options o = MOTE_COMPILE_OPTIONS_INIT;
    const mote_tensor image = SHAPE(MOTE_DTYPE_F32, 1, 3, 16, 16);
    if (options != NULL)
        o = *options;
    if (text == conv_net) {
        o.shapes = &image;
        o.shape_count = 1;
    }
    return mote_model_compile(f->onnx, f->mote, &o, diag);
}

static file compile_net(const char *text, const mote_compile_options *o)
{
    file f = {.folder = "/tmp/mote-compiled-XXXXXX"};
    assert_non_null(mkdtemp(f.folder));
    snprintf(f.onnx, sizeof f.onnx, "%s/m.onnx", f.folder);
    snprintf(f.mote, sizeof f.mote, "%s/m.mote", f.folder);
    size_t n;
    void *onnx = onnx_of(text, &n);
    put_file(f.onnx, onnx, n);
    free(onnx);
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(compile_file(&f, text, o, &diag), diag);
    read_compiled(&f);
    return f;
}

static void done(file *f)
{
    free(f->bytes);
    unlink(f->onnx);
    unlink(f->mote);
    assert_int_equal(rmdir(f->folder), 0); /* nothing else was left */
}

static mote_model *load_path(const char *path)
{
    mote_model *m = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(mote_model_load_path(path, NULL, &m, &diag), diag);
    return m;
}

static mote_session *session_at(mote_model *m, int64_t size, uint32_t seed)
{
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 1;
    mote_session *s = session_of(m, &o);
    mote_diag diag = MOTE_DIAG_INIT;
    prepare_for(m, s, size);
    fill_inputs(m, s, seed);
    ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    return s;
}

/* Both destroyed. */
static void same_outputs(mote_model *a, mote_model *b, int64_t size)
{
    mote_session *x = session_at(a, size, 7), *y = session_at(b, size, 7);
    assert_int_equal(mote_model_output_count(a), mote_model_output_count(b));
    for (size_t i = 0; i < mote_model_output_count(a); i++) {
        const mote_tensor *p = mote_session_output(x, i), *q = mote_session_output(y, i);
        assert_int_equal(p->bytes, q->bytes);
        assert_memory_equal(mote_tensor_map(p), mote_tensor_map(q), p->bytes);
    }
    mote_session_destroy(&x);
    mote_session_destroy(&y);
    mote_model_destroy(&a);
    mote_model_destroy(&b);
}

static const char body_net[] =
    NET "(x: float32[5,64], pick: bool[]) { const w: float32[64,64] random 1 const v: float32[64,128] random 2 const u: float32[128,64] random 4 const three: int64[] {3}\n"
        "l, s = Loop(three, _, x) {body=graph (it: int64[], go: bool[], z: float32[5,64]) { g = Identity(go) a = MatMul(z, w) t = Tanh(a) const k: float32[64,64] random 3\n"
        "  b = MatMul(t, k) return g, b, t }}\n"
        "y = If(pick) {then_branch=graph () { p = MatMul(x, v) r = Relu(p) return r }, else_branch=graph () { q = MatMul(x, v) n = Neg(q) o = MatMul(n, u) m = MatMul(o, v) return m }}\n"
        "return y, s, l }";

static const char *const nets[] = {conv_net, transformer_net, lstm_net, loop_net, quantized_net, body_net};
enum { N_NETS = sizeof nets / sizeof *nets };

static void same_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_NETS; k++)
        for (int keep = 0; keep < 2; keep++) {
            mote_compile_options o = MOTE_COMPILE_OPTIONS_INIT;
            mote_diag diag = MOTE_DIAG_INIT;
            o.keep_weights = keep;
            file f = compile_net(nets[k], &o);
            for (int64_t size = 8; size < 32; size += 11)
                same_outputs(load_path(f.onnx), load_path(f.mote), size);
            mote_model *m = load_path(f.mote);
            ASSERT_OK(mote_model_check(m, &diag), diag);
            mote_model_destroy(&m);
            done(&f);
        }
}

static bool read_part(void *ctx, uint64_t offset, void *buf, size_t bytes)
{
    const file *f = ctx;
    memcpy(buf, f->bytes + offset, bytes);
    return true;
}

/* From memory, aligned and not, a part of a file, a reader, and read instead of mapped. */
static void from_everywhere(void **state)
{
    (void)state;
    static const char zeros[4096];
    file f = compile_net(conv_net, NULL);
    mote_diag diag = MOTE_DIAG_INIT;
    uint8_t *room = malloc(f.n + 128);
    assert_non_null(room);
    static const size_t shifts[] = {0, 1, 4, 32};
    for (size_t k = 0; k < sizeof shifts / sizeof *shifts; k++) {
        mote_model *m = NULL;
        uint8_t *at = room + (64 - (uintptr_t)room % 64) + shifts[k];
        memcpy(at, f.bytes, f.n);
        ASSERT_OK(mote_model_load_memory(at, f.n, NULL, &m, &diag), diag);
        same_outputs(load_path(f.onnx), m, 9);
        char path[128];
        snprintf(path, sizeof path, "%s/package", f.folder);
        FILE *package = fopen(path, "wb");
        assert_non_null(package);
        assert_true(fwrite(zeros, 1, 4096 - shifts[k], package) != 0 && fwrite(f.bytes, 1, f.n, package) == f.n && fwrite("tail", 1, 4, package) == 4);
        fclose(package);
        int fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        ASSERT_OK(mote_model_load_fd(fd, 4096 - shifts[k], f.n, NULL, &m, &diag), diag);
        close(fd);
        unlink(path);
        same_outputs(load_path(f.onnx), m, 9);
    }
    free(room);
    mote_model *m = NULL;
    const mote_reader reader = {sizeof reader, &f, f.n, read_part};
    ASSERT_OK(mote_model_load_reader(&reader, NULL, &m, &diag), diag);
    same_outputs(load_path(f.onnx), m, 9);
    mote_load_options copy = MOTE_LOAD_OPTIONS_INIT;
    copy.copy = true;
    ASSERT_OK(mote_model_load_path(f.mote, &copy, &m, &diag), diag);
    same_outputs(load_path(f.onnx), m, 9);
    done(&f);
}

/* Nothing of the weights is taken from the allocator, whatever the number of sessions. */
static void nothing_copied(void **state)
{
    (void)state;
    static const char big_net[] = NET "(x: float32[N,256]) { const w: float32[256,1024] random 1 const v: float32[1024,256] random 2\n"
                                      "const table: float32[4096,256] random 3 const i: int64[1] {17} g = Gather(table, i) h = MatMul(x, w) r = Relu(h) o = MatMul(r, v) y = Add(o, g) return y }";
    file f = compile_net(big_net, NULL);
    mote_model *m = load_path(f.mote);
    mote_session *a = session_at(m, 3, 1), *b = session_at(m, 5, 1);
    mote_memory_info info = MOTE_MEMORY_INFO_INIT;
    assert_int_equal(mote_session_memory(a, &info), MOTE_OK);
    assert_in_range(info.model_bytes, 1, 200000);
    assert_in_range(info.session_bytes, 1, 400000);
    assert_int_equal(info.mapped_bytes, f.n);
    mote_session_destroy(&a);
    mote_session_destroy(&b);
    mote_model_destroy(&m);
    assert_true(f.n < (size_t)4 * (256 * 1024 * 2 + 4096 * 256) * 11 / 10); /* packed weights are there once, the unpacked ones not */
    done(&f);
}

/* Weights of bodies that run on zeros are packed, too; those of a branch that zeros do not take stay as they were, and work. */
static void bodies(void **state)
{
    (void)state;
    file f = compile_net(body_net, NULL);
    size_t left = 0;
    for (size_t i = 0; i < f.header.n_tensors; i++) {
        mote_compiled_tensor t;
        memcpy(&t, f.bytes + sizeof f.header + i * sizeof t, sizeof t);
        left += t.at != UINT64_MAX ? (size_t)t.bytes : 0;
    }
    assert_int_equal(f.header.n_tensors, 4);
    assert_int_equal(left, 64 * 128 * 4); /* v, which the branch that was not taken reads */
    for (int pick = 0; pick < 2; pick++) {
        mote_model *m[2] = {load_path(f.onnx), load_path(f.mote)};
        mote_session *s[2];
        for (int k = 0; k < 2; k++) {
            s[k] = session_at(m[k], 5, 3);
            mote_diag diag = MOTE_DIAG_INIT;
            *(bool *)mote_tensor_map(mote_session_input(s[k], 1)) = pick;
            ASSERT_OK(mote_session_run(s[k], NULL, &diag), diag);
        }
        for (size_t i = 0; i < 3; i++)
            assert_memory_equal(mote_tensor_map(mote_session_output(s[0], i)), mote_tensor_map(mote_session_output(s[1], i)), mote_session_output(s[0], i)->bytes);
        for (int k = 0; k < 2; k++) {
            mote_session_destroy(&s[k]);
            mote_model_destroy(&m[k]);
        }
    }
    done(&f);
}

static mote_status load_bytes(const void *bytes, size_t n, mote_diag *diag)
{
    mote_model *m = NULL;
    mote_status status = mote_model_load_memory(bytes, n, NULL, &m, diag);
    assert_int_equal(status, diag->code);
    mote_model_destroy(&m);
    return status;
}

static void cut(void **state)
{
    (void)state;
    file f = compile_net(quantized_net, NULL);
    mote_diag diag = MOTE_DIAG_INIT;
    uint8_t *exact = NULL;
    for (size_t n = 0; n < f.n; n += n < f.header.payload_at + 64 ? 1 : 97) {
        exact = realloc(exact, n + 1); /* so that a sanitizer sees a byte too many */
        memcpy(exact, f.bytes, n);
        assert_int_not_equal(load_bytes(exact, n, &diag), MOTE_OK);
    }
    free(exact);
    assert_int_equal(load_bytes(f.bytes, f.n + 1, &diag), MOTE_E_FORMAT); /* longer, too */
    done(&f);
}

static void flipped(void **state)
{
    (void)state;
    file f = compile_net(quantized_net, NULL);
    mote_diag diag = MOTE_DIAG_INIT;
    for (size_t i = 0; i < f.header.payload_at; i++)
        for (int bit = 0; bit < 8; bit++) {
            f.bytes[i] ^= (uint8_t)(1 << bit);
            assert_int_not_equal(load_bytes(f.bytes, f.n, &diag), MOTE_OK);
            f.bytes[i] ^= (uint8_t)(1 << bit);
        }
    for (size_t i = (size_t)f.header.payload_at; i < f.n; i++) { /* changes numbers, or what lies between them */
        f.bytes[i] ^= (uint8_t)(1 << i % 8);
        mote_model *m = NULL;
        ASSERT_OK(mote_model_load_memory(f.bytes, f.n, NULL, &m, &diag), diag);
        assert_int_equal(mote_model_check(m, &diag), MOTE_E_FORMAT);
        if (i % 7 == 0) {
            mote_session *s = session_at(m, 6, 1);
            mote_session_destroy(&s);
        }
        mote_model_destroy(&m);
        f.bytes[i] ^= (uint8_t)(1 << i % 8);
    }
    done(&f);
}

static void seal_again(file *f)
{
    memcpy(f->bytes, &f->header, sizeof f->header);
    f->header.head_sum = mote_compiled_head_sum(f->bytes, (size_t)f->header.payload_at);
    memcpy(f->bytes, &f->header, sizeof f->header);
}

static void foreign(void **state)
{
    (void)state;
    mote_diag diag = MOTE_DIAG_INIT;
    const char *here = mote_cpu_family(0), *other = strcmp(here, "plain") == 0 ? "x86-64-avx2" : "plain";
    mote_compile_options o = MOTE_COMPILE_OPTIONS_INIT;
    o.family = other;
    file f = compile_net(conv_net, &o);
    assert_int_equal(load_bytes(f.bytes, f.n, &diag), MOTE_E_UNSUPPORTED);
    ASSERT_SAYS(diag, here);
    ASSERT_SAYS(diag, other);
    if (strcmp(other, "plain") == 0) { /* what every machine runs when it is told to use no feature */
        mote_load_options none = MOTE_LOAD_OPTIONS_INIT;
        none.cpu_mask = 1u << 31;
        mote_model *a = NULL, *b = NULL;
        ASSERT_OK(mote_model_load_path(f.mote, &none, &a, &diag), diag);
        ASSERT_OK(mote_model_load_path(f.onnx, &none, &b, &diag), diag);
        same_outputs(a, b, 9);
    }
    o.family = "vax";
    assert_int_equal(mote_model_compile(f.onnx, f.mote, &o, &diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(diag, "arm64");
    done(&f);

    f = compile_net(conv_net, NULL);
    strcpy(f.header.library, "0.0.9");
    seal_again(&f);
    assert_int_equal(load_bytes(f.bytes, f.n, &diag), MOTE_E_UNSUPPORTED);
    ASSERT_SAYS(diag, "0.0.9");
    ASSERT_SAYS(diag, mote_version());
    strcpy(f.header.library, mote_version());
    f.header.format++;
    seal_again(&f);
    assert_int_equal(load_bytes(f.bytes, f.n, &diag), MOTE_E_UNSUPPORTED);
    /* What asks for passes, providers or defaults wants the ONNX file; so does what needs standard operators. */
    mote_load_options passes = MOTE_LOAD_OPTIONS_INIT, stage = MOTE_LOAD_OPTIONS_INIT;
    passes.disabled_passes = "all";
    stage.stop_after = "simplify";
    mote_model *m = NULL;
    assert_int_equal(mote_model_load_path(f.mote, &passes, &m, &diag), MOTE_E_UNSUPPORTED);
    assert_int_equal(mote_model_load_path(f.mote, &stage, &m, &diag), MOTE_E_UNSUPPORTED);
    assert_int_equal(mote_model_compile(f.mote, f.onnx, NULL, &diag), MOTE_E_ARGUMENT);
    ASSERT_SAYS(diag, "already");
    done(&f);

    f = compile_net(optional_net, NULL);
    mote_load_options keep = MOTE_LOAD_OPTIONS_INIT;
    keep.keep_optional_inputs = true;
    assert_int_equal(mote_model_load_path(f.mote, &keep, &m, &diag), MOTE_E_UNSUPPORTED);
    same_outputs(load_path(f.onnx), load_path(f.mote), 3);
    done(&f);
}

/* Weights that are only there packed are missed when a shape wants them as they were: said, not computed from nothing. */
static void other_shapes(void **state)
{
    (void)state;
    static const char wide_net[] = NET "(x: float32[N,64]) { const w: float32[64,64] random 1 y = MatMul(x, w) return y }";
    mote_compile_options o = MOTE_COMPILE_OPTIONS_INIT;
    for (int keep = 0; keep < 2; keep++) {
        o.keep_weights = keep;
        file f = compile_net(wide_net, &o);
        mote_model *m = load_path(f.mote);
        mote_diag diag = MOTE_DIAG_INIT;
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 1;
        mote_session *s = session_of(m, &so);
        const mote_tensor none = SHAPE(MOTE_DTYPE_F32, 0, 64); /* no rows: no kernel takes it */
        const mote_status status = mote_session_prepare(s, &none, 1, &diag);
        if (keep) {
            ASSERT_OK(status, diag);
        } else {
            assert_int_equal(status, MOTE_E_UNSUPPORTED);
            ASSERT_SAYS(diag, "packed for other shapes");
        }
        mote_session_destroy(&s);
        mote_load_options reference = MOTE_LOAD_OPTIONS_INIT;
        reference.reference = true;
        mote_model *r = NULL;
        ASSERT_OK(mote_model_load_path(f.mote, &reference, &r, &diag), diag);
        s = session_of(r, &so);
        const mote_tensor two = SHAPE(MOTE_DTYPE_F32, 2, 64);
        (void)mote_session_prepare(s, &two, 1, &diag);
        mote_session_destroy(&s);
        mote_model_destroy(&r);
        mote_model_destroy(&m);
        done(&f);
    }
}

/* A cache: made anew exactly when the model, the options or the family are others, or when it is damaged. */
static void cache(void **state)
{
    (void)state;
    mote_diag diag = MOTE_DIAG_INIT;
    file f = compile_net(conv_net, NULL);
    struct stat before, now;
    assert_int_equal(stat(f.mote, &before), 0);
    ASSERT_OK(compile_file(&f, conv_net, NULL, &diag), diag);
    assert_int_equal(stat(f.mote, &now), 0);
    assert_int_equal(now.st_ino, before.st_ino);
    uint8_t *first = malloc(f.n);
    assert_non_null(first);
    memcpy(first, f.bytes, f.n);
    const size_t n = f.n;
    mote_compile_options o = MOTE_COMPILE_OPTIONS_INIT;
    o.keep_weights = true;
    ASSERT_OK(compile_file(&f, conv_net, &o, &diag), diag);
    read_compiled(&f);
    assert_true(f.n > n);
    ASSERT_OK(compile_file(&f, conv_net, NULL, &diag), diag);
    read_compiled(&f);
    assert_int_equal(f.n, n);
    assert_memory_equal(f.bytes, first, n); /* the same bytes each time */
    put_file(f.mote, first, n / 2);
    ASSERT_OK(compile_file(&f, conv_net, NULL, &diag), diag);
    read_compiled(&f);
    assert_int_equal(f.n, n);
    size_t other_bytes;
    void *other = onnx_of(transformer_net, &other_bytes);
    put_file(f.onnx, other, other_bytes);
    free(other);
    ASSERT_OK(mote_model_compile(f.onnx, f.mote, NULL, &diag), diag);
    same_outputs(load_path(f.onnx), load_path(f.mote), 8);
    read_compiled(&f);
    /* the data of another model behind these tables: not seen on loading where the sizes agree, but by the check */
    memset(f.bytes + f.header.payload_at, 0x11, f.n - (size_t)f.header.payload_at);
    mote_model *m = NULL;
    ASSERT_OK(mote_model_load_memory(f.bytes, f.n, NULL, &m, &diag), diag);
    assert_int_equal(mote_model_check(m, &diag), MOTE_E_FORMAT);
    mote_session *s = session_at(m, 8, 1);
    mote_session_destroy(&s);
    mote_model_destroy(&m);
    free(first);
    assert_int_equal(mote_model_compile("/nonexistent/m.onnx", f.mote, NULL, &diag), MOTE_E_IO);
    assert_int_equal(mote_model_compile(f.onnx, "/nonexistent/m.mote", NULL, &diag), MOTE_E_IO);
    assert_int_equal(mote_model_compile(NULL, f.mote, NULL, &diag), MOTE_E_ARGUMENT);
    done(&f);
}

/* Tables and graphs that nobody wrote, under a checksum that agrees: any status, no crash. */
static void hostile(void **state)
{
    (void)state;
    mote_diag diag = MOTE_DIAG_INIT;
    for (size_t k = 0; k < N_NETS; k++) {
        file f = compile_net(nets[k], NULL);
        uint8_t *whole = malloc(f.n);
        assert_non_null(whole);
        memcpy(whole, f.bytes, f.n);
        const mote_compiled_header good = f.header;
        static const uint64_t odd[] = {0, 1, 63, 64, UINT64_MAX, UINT64_MAX - 63, INT64_MAX, (uint64_t)1 << 32};
        for (size_t at = 0; at + 8 <= good.payload_at - good.graph_bytes && at < sizeof good + good.n_tensors * 16 + good.n_packs * 64; at += 8)
            for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                memcpy(f.bytes, whole, f.n);
                memcpy(f.bytes + at, &odd[i], 8);
                memcpy(&f.header, f.bytes, sizeof f.header);
                if (f.header.payload_at <= f.n && f.header.payload_at >= sizeof f.header)
                    seal_again(&f);
                (void)load_bytes(f.bytes, f.n, &diag);
            }
        uint32_t seed = 1;
        const size_t graph = sizeof good + (size_t)good.n_tensors * 16 + (size_t)good.n_packs * 64;
        for (int i = 0; i < 1500; i++) {
            memcpy(f.bytes, whole, f.n);
            f.header = good;
            for (int j = 0; j <= i % 3; j++) {
                seed = seed * 1664525u + 1013904223u;
                f.bytes[graph + (seed >> 8) % good.graph_bytes] = (uint8_t)(seed >> 3 & 1 ? seed >> 24 : f.bytes[graph + (seed >> 8) % good.graph_bytes] ^ 1u << (seed & 7));
            }
            seal_again(&f);
            mote_load_options limited = MOTE_LOAD_OPTIONS_INIT;
            limited.memory_limit = 64 << 20;
            mote_model *m = NULL;
            if (mote_model_load_memory(f.bytes, f.n, &limited, &m, &diag) != MOTE_OK)
                continue;
            mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
            so.threads = 1;
            so.memory_limit = 64 << 20;
            so.step_limit = 1000;
            mote_session *s = NULL;
            mote_tensor shapes[8];
            const size_t n = mote_model_input_count(m);
            for (size_t x = 0; x < n && x < 8; x++) {
                mote_value_info info = MOTE_VALUE_INFO_INIT;
                assert_int_equal(mote_model_input_info(m, x, &info), MOTE_OK);
                for (int32_t d = 0; d < info.rank; d++)
                    info.shape[d] = info.shape[d] < 0 ? 8 : info.shape[d];
                shapes[x] = (mote_tensor)MOTE_TENSOR_INIT;
                if (info.rank >= 0 && info.kind == MOTE_KIND_TENSOR)
                    (void)mote_tensor_describe(&shapes[x], info.dtype, info.rank, info.shape, NULL);
            }
            if (n <= 8 && mote_session_create(m, &so, &s, &diag) == MOTE_OK && mote_session_prepare(s, shapes, n, &diag) == MOTE_OK)
                (void)mote_session_run(s, NULL, &diag);
            mote_session_destroy(&s);
            mote_model_destroy(&m);
        }
        free(whole);
        done(&f);
    }
}

/* Machines of one family pack alike: whatever features they have beside. */
static void families(void **state)
{
    (void)state;
    const uint32_t here = mote_cpu_features();
    struct {
        const char *name;
        size_t f32, integer;
    } seen[8] = {{0}};
    uint32_t mask = 0;
    do {
        const char *name = mote_family_of(mask);
        const size_t f32 = mote_gemm_f32_select(mask)->nr, integer = mote_igemm_select(mask, 1)->nr;
        size_t i = 0;
        while (seen[i].name != NULL && strcmp(seen[i].name, name) != 0)
            i++;
        assert_in_range(i, 0, 6);
        if (seen[i].name != NULL && (seen[i].f32 != f32 || seen[i].integer != integer))
            fail_msg("%s packs panels of %zu and %zu, and with the features %x of %zu and %zu", name, seen[i].f32, seen[i].integer, (unsigned)mask, f32, integer);
        seen[i].name = name;
        seen[i].f32 = f32;
        seen[i].integer = integer;
        mask = (mask - here) & here; /* the next subset */
    } while (mask != 0);
    for (size_t i = 0; seen[i].name != NULL; i++) {
        uint32_t cpu;
        assert_int_equal(mote_family_features(seen[i].name, here, &cpu, NULL), MOTE_OK);
        assert_int_equal(mote_gemm_f32_select(cpu)->nr, seen[i].f32);
        assert_int_equal(mote_igemm_select(cpu, 1)->nr, seen[i].integer);
    }
    static const char *const plain[] = {"x86-64-avx2", "arm64", "plain"}; /* packed by the kernels in C where there are no others */
    for (size_t i = 0; i < 3; i++) {
        uint32_t cpu;
        assert_int_equal(mote_family_features(plain[i], MOTE_CPU_NONE, &cpu, NULL), MOTE_OK);
        assert_int_equal(mote_gemm_f32_select(cpu)->nr, 16);
        assert_int_equal(mote_igemm_select(cpu, 1)->nr, 16);
    }
}

/* Whatever features a machine has beside those of its family, it finds the family's packs, and its answers have the same bits. */
static void every_machine(void **state)
{
    (void)state;
    const uint32_t here = mote_cpu_features();
    static const char *const some[] = {conv_net, transformer_net, quantized_net};
    for (size_t k = 0; k < sizeof some / sizeof *some; k++)
        for (uint32_t bit = 0; bit < 64; bit++) { /* without one; with those up to one */
            const uint32_t one = 1u << bit % 32, mask = bit < 32 ? here & ~one : here & (one | (one - 1));
            if (bit < 32 && (here & one) == 0 && bit != 31)
                continue;
            mote_load_options l = MOTE_LOAD_OPTIONS_INIT;
            l.cpu_mask = mask != 0 ? mask : 1u << 31;
            mote_compile_options o = MOTE_COMPILE_OPTIONS_INIT;
            o.family = mote_family_of(mask);
            file f = compile_net(some[k], &o);
            mote_model *a = NULL, *b = NULL;
            mote_diag diag = MOTE_DIAG_INIT;
            ASSERT_OK(mote_model_load_path(f.mote, &l, &a, &diag), diag);
            ASSERT_OK(mote_model_load_path(f.onnx, &l, &b, &diag), diag);
            same_outputs(a, b, 16);
            done(&f);
        }
}

/* Open sizes that cannot be 1: the error says what to do. */
static void sizes(void **state)
{
    (void)state;
    file f = compile_net(conv_net, NULL);
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_model_compile(f.onnx, f.mote, NULL, &diag), MOTE_E_SHAPE);
    ASSERT_SAYS(diag, "open sizes were taken as 1");
    same_outputs(load_path(f.onnx), load_path(f.mote), 9); /* what was there is there */
    done(&f);
}

static void sums(void **state)
{
    (void)state;
    uint8_t bytes[100] = {0};
    const uint64_t sum = mote_sum(0, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_true(mote_sum(0, bytes, sizeof bytes) != sum);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_true(mote_sum(0, bytes, n) != sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits), cmocka_unit_test(from_everywhere), cmocka_unit_test(nothing_copied), cmocka_unit_test(bodies), cmocka_unit_test(cut), cmocka_unit_test(flipped),
        cmocka_unit_test(foreign),   cmocka_unit_test(other_shapes),    cmocka_unit_test(cache),          cmocka_unit_test(hostile), cmocka_unit_test(families),
        cmocka_unit_test(sums),      cmocka_unit_test(every_machine),   cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
