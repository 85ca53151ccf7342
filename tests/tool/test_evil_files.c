/* test_evil_files.c - arrays, archives, pictures and sounds that claim more than they are: their status, in little memory and time
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "mote/npy.h"
#include "mote/picture.h"
#include <dirent.h>
#include <mote/mote_audio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static double began;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* 64 MiB of data beyond what the process has: what asks for more fails here and nowhere else. */
static int limit_memory(void **state)
{
    (void)state;
#if !defined(__SANITIZE_ADDRESS__)
    struct rlimit r;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL && fscanf(f, "%*s %*s %*s %*s %*s %ld", &pages) == 1 && getrlimit(RLIMIT_DATA, &r) == 0) {
        r.rlim_cur = (rlim_t)pages * 4096 + (64u << 20);
        setrlimit(RLIMIT_DATA, &r);
    }
    if (f != NULL)
        fclose(f);
#endif
    began = now();
    return 0;
}

static int in_time(void **state)
{
    (void)state;
    return now() - began < 10 ? 0 : -1; /* many files each */
}

static void expect(const char *name, mote_status status, const mote_diag *diag, mote_status wanted)
{
    if (status != wanted || diag->code != status)
        fail_msg("%s: status %d '%s', expected %d", name, (int)status, diag->message, (int)wanted);
}

/* ---- .npy ---- */

static void npy(const char *dictionary, size_t data, mote_status wanted)
{
    char file[4096] = "\x93NUMPY\x01\x00";
    size_t n = strlen(dictionary);
    file[8] = (char)(n & 255);
    file[9] = (char)(n >> 8);
    memcpy(file + 10, dictionary, n);
    char *exact = malloc(10 + n + data);
    memset(exact, 0, 10 + n + data);
    memcpy(exact, file, 10 + n);
    mote_array a;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = npy_parse(exact, 10 + n + data, (size_t)1 << 30, &a, &diag);
    free(exact);
    expect(dictionary, status, &diag, wanted);
    if (status == MOTE_OK)
        free(a.data);
}

static void test_npy(void **state)
{
    (void)state;
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, MOTE_OK);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 1000000000000), }", 8, MOTE_E_SHAPE);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4), }", 16, MOTE_E_SHAPE);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 1000000000), }", 0, MOTE_OK);
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 16, MOTE_E_UNSUPPORTED); /* a pickle */
    npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<U16777216', 'fortran_order': False, 'shape': (1000000,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<U99999999999999999999', 'fortran_order': False, 'shape': (1,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '|S0', 'fortran_order': False, 'shape': (60000000,), }", 0, MOTE_E_LIMIT);
    npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': __import__('os')}", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4\\x27', 'fortran_order': False, 'shape': (2,), }", 8, MOTE_E_FORMAT);
    npy("{'descr': '<f4", 8, MOTE_E_FORMAT);
    npy("{{{{{{{{{{{{{{{{{{{{", 8, MOTE_E_FORMAT);
    npy("", 8, MOTE_E_FORMAT);
    mote_array a;
    mote_diag diag = MOTE_DIAG_INIT;
    expect("a header longer than the file", npy_parse("\x93NUMPY\x01\x00\xff\x00{", 11, 1 << 20, &a, &diag), &diag, MOTE_E_FORMAT);
    diag = (mote_diag)MOTE_DIAG_INIT;
    expect("a header of 4 GB", npy_parse("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12, 1 << 20, &a, &diag), &diag, MOTE_E_FORMAT);
    diag = (mote_diag)MOTE_DIAG_INIT;
    expect("version 9", npy_parse("\x93NUMPY\x09\x00\x00\x00\x00\x00", 12, 1 << 20, &a, &diag), &diag, MOTE_E_UNSUPPORTED);
}

/* ---- .npz ---- */

static void put16(char *p, unsigned v) { p[0] = (char)v, p[1] = (char)(v >> 8); }
static void put32(char *p, uint32_t v) { put16(p, v & 0xffff), put16(p + 2, v >> 16); }

/* A zip of one stored entry that claims `size` bytes. */
static size_t zip_of(char *to, const char *name, const char *data, size_t n, uint32_t size)
{
    size_t k = strlen(name);
    memset(to, 0, 200);
    memcpy(to, "PK\3\4\24", 5);
    put32(to + 18, size);
    put32(to + 22, size);
    put16(to + 26, (unsigned)k);
    memcpy(to + 30, name, k);
    memcpy(to + 30 + k, data, n);
    char *c = to + 30 + k + n;
    memset(c, 0, 120);
    memcpy(c, "PK\1\2\24\0\24", 7);
    put32(c + 20, size);
    put32(c + 24, size);
    put16(c + 28, (unsigned)k);
    memcpy(c + 46, name, k);
    char *e = c + 46 + k;
    memcpy(e, "PK\5\6", 4);
    put16(e + 8, 1);
    put16(e + 10, 1);
    put32(e + 12, (uint32_t)(46 + k));
    put32(e + 16, (uint32_t)(30 + k + n));
    return (size_t)(e + 22 - to);
}

static mote_status refuse(void *ctx, const char *name, const mote_array *a, mote_diag *diag)
{
    (void)ctx;
    MOTE_FAIL(diag, MOTE_E_ARGUMENT, "nobody wants '%s' of %zu %s", name, mote_array_count(a), mote_dtype_name(a->dtype));
}

static void test_npz(void **state)
{
    (void)state;
    char file[1000];
    named_arrays a;
    static const uint32_t sizes[] = {0x10, 0x1000, 0x40000000, 0xfffffffe};
    for (size_t i = 0; i < 4; i++) {
        size_t n = zip_of(file, "x.npy", "0123456789", 10, sizes[i]);
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = npz_parse(file, n, 1u << 31, &a, &diag);
        if ((status != MOTE_E_FORMAT && status != MOTE_E_LIMIT) || diag.code != status)
            fail_msg("an entry that claims %u bytes: status %d '%s'", sizes[i], (int)status, diag.message);
    }
    /* 200 MB of f32 zeros, deflated to 200 KB: stopped by the limit before it is unpacked */
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *whole = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_source_keep(whole);
    zip_t *z = zip_open_from_source(whole, ZIP_TRUNCATE, &error);
    static char zeros[1 << 20];
    static char head[129] = "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (400, 131072), }";
    head[8] = 0x76;
    memset(head + strlen(head + 10) + 10, ' ', 128 - strlen(head + 10) - 10);
    zip_buffer_fragment_t parts[201] = {{(zip_uint8_t *)head, 128}};
    for (int i = 1; i < 201; i++)
        parts[i] = (zip_buffer_fragment_t){(zip_uint8_t *)zeros, sizeof zeros};
    zip_source_t *content = zip_source_buffer_fragment(z, parts, 201, 0);
    assert_true(zip_file_add(z, "x.npy", content, 0) >= 0);
    assert_int_equal(zip_close(z), 0);
    zip_stat_t st;
    assert_int_equal(zip_source_stat(whole, &st), 0);
    char *bomb = malloc(st.size);
    assert_int_equal(zip_source_open(whole), 0);
    assert_int_equal(zip_source_read(whole, bomb, st.size), (zip_int64_t)st.size);
    zip_source_close(whole);
    zip_source_free(whole);
    zip_error_fini(&error);
    assert_true(st.size < 1 << 20);
    mote_diag diag = MOTE_DIAG_INIT;
    expect("a bomb", npz_parse(bomb, st.size, 16 << 20, &a, &diag), &diag, MOTE_E_LIMIT);
    /* whoever does not want it is asked before it is unpacked */
    diag = (mote_diag)MOTE_DIAG_INIT;
    expect("an unwanted bomb", npz_parse_accepted(bomb, st.size, 1 << 30, refuse, NULL, &a, &diag), &diag, MOTE_E_ARGUMENT);
    assert_string_equal(diag.message, "nobody wants 'x' of 52428800 float32");
    free(bomb);
    diag = (mote_diag)MOTE_DIAG_INIT;
    expect("nothing", npz_parse("", 0, 1 << 20, &a, &diag), &diag, MOTE_E_FORMAT);
}

/* ---- pictures ---- */

static uint32_t crc(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

static void put_big(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static size_t read_seed(const char *target, const char *name, unsigned char *to, size_t cap)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s/%s", MOTE_TEST_SOURCE_DIR, target, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(to, 1, cap, f);
    fclose(f);
    return n;
}

static void picture_is(const char *name, const unsigned char *bytes, size_t n, mote_status wanted)
{
    picture p;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = picture_decode(bytes, n, &p, &diag);
    expect(name, status, &diag, wanted);
    picture_free(&p);
}

/* The bound of a PNG is on the bytes that it decodes to, whatever the pixels are. */
static void test_stored(void)
{
    static const struct { uint32_t w, h; unsigned char depth, type; mote_status status; } kinds[] = {
        {10000, 9999, 16, 6, MOTE_E_LIMIT}, {5000, 4001, 16, 6, MOTE_E_LIMIT}, {5000, 4000, 16, 6, MOTE_E_FORMAT}, {10000, 5334, 16, 0, MOTE_E_LIMIT}, {10000, 5333, 16, 0, MOTE_E_FORMAT},
        {10000, 4001, 8, 6, MOTE_E_LIMIT}, {10000, 4000, 8, 6, MOTE_E_FORMAT}, {10000, 5334, 1, 0, MOTE_E_LIMIT}, {10000, 5333, 8, 0, MOTE_E_FORMAT}};
    unsigned char png[4096];
    const size_t n = read_seed("fuzz_picture", "rgb.png", png, sizeof png);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        put_big(png + 16, kinds[i].w);
        put_big(png + 20, kinds[i].h);
        png[24] = kinds[i].depth;
        png[25] = kinds[i].type;
        put_big(png + 29, crc(png + 12, 17));
        char name[64];
        snprintf(name, sizeof name, "PNG %u x %u of depth %u, type %u", kinds[i].w, kinds[i].h, kinds[i].depth, kinds[i].type);
        picture_is(name, png, n, kinds[i].status);
    }
}

/* A progressive JPEG of 2048 x 2048 whose last scan stands there again and again: each costs a pass over the picture. */
static void test_scans(void)
{
    unsigned char jpeg[4096];
    const size_t n = read_seed("fuzz_picture", "progressive.jpg", jpeg, sizeof jpeg);
    size_t sof = 0, scan = n - 2;
    while (jpeg[sof] != 0xff || jpeg[sof + 1] != 0xc2)
        sof++;
    while (jpeg[scan] != 0xff || jpeg[scan + 1] != 0xda)
        scan--;
    jpeg[sof + 5] = jpeg[sof + 7] = 8, jpeg[sof + 6] = jpeg[sof + 8] = 0;
    const size_t length = n - 2 - scan, times = 400;
    unsigned char *bomb = malloc(n + length * times);
    memcpy(bomb, jpeg, n - 2);
    for (size_t i = 0; i < times; i++)
        memcpy(bomb + n - 2 + i * length, jpeg + scan, length);
    memcpy(bomb + n - 2 + length * times, "\xff\xd9", 2);
    picture_is("a JPEG of 400 scans", bomb, n + length * times, MOTE_E_LIMIT);
    free(bomb);
}

static void test_pictures(void **state)
{
    (void)state;
    static const struct { uint32_t w, h; mote_status png, jpeg; } sizes[] = {
        {32768, 32768, MOTE_E_LIMIT, MOTE_E_LIMIT}, {32769, 1, MOTE_E_LIMIT, MOTE_E_LIMIT}, {1, 0x7fffffff, MOTE_E_LIMIT, MOTE_E_LIMIT}, {0, 9, MOTE_E_FORMAT, MOTE_E_FORMAT},
        {17, 0, MOTE_E_FORMAT, MOTE_E_FORMAT}, {10000, 10000, MOTE_E_LIMIT, MOTE_E_FORMAT}, {30000, 3000, MOTE_E_LIMIT, MOTE_E_FORMAT}, {10000, 5000, MOTE_E_FORMAT, MOTE_E_FORMAT}};
    unsigned char png[4096], jpeg[4096];
    size_t n = read_seed("fuzz_picture", "rgb.png", png, sizeof png), k = read_seed("fuzz_picture", "420.jpg", jpeg, sizeof jpeg), sof = 0;
    picture_is("a PNG", png, n, MOTE_OK);
    picture_is("a JPEG", jpeg, k, MOTE_OK);
    while (jpeg[sof] != 0xff || jpeg[sof + 1] != 0xc0)
        sof++;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_big(png + 16, sizes[i].w);
        put_big(png + 20, sizes[i].h);
        put_big(png + 29, crc(png + 12, 17));
        char name[64];
        snprintf(name, sizeof name, "PNG %u x %u", sizes[i].w, sizes[i].h);
        picture_is(name, png, n, sizes[i].png);
        if (sizes[i].w > 65535 || sizes[i].h > 65535)
            continue;
        jpeg[sof + 5] = (unsigned char)(sizes[i].h >> 8), jpeg[sof + 6] = (unsigned char)sizes[i].h;
        jpeg[sof + 7] = (unsigned char)(sizes[i].w >> 8), jpeg[sof + 8] = (unsigned char)sizes[i].w;
        snprintf(name, sizeof name, "JPEG %u x %u", sizes[i].w, sizes[i].h);
        picture_is(name, jpeg, k, sizes[i].jpeg);
    }
    test_stored();
    test_scans();
    static const char *const files[] = {"420.jpg", "444.jpg", "gray.jpg", "cmyk.jpg", "progressive.jpg", "rgb.png", "palette.png", "alpha.png", "bits.png", "gray.png", "deep.png"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) { /* cut at every byte: damaged, or whole where only the end mark is gone */
        n = read_seed("fuzz_picture", files[i], png, sizeof png);
        for (size_t keep = 0; keep + 12 < n; keep++) {
            unsigned char *exact = malloc(keep + 1);
            memcpy(exact + 1, png, keep);
            picture p;
            mote_diag diag = MOTE_DIAG_INIT;
            mote_status status = picture_decode(exact + 1, keep, &p, &diag);
            if (status != MOTE_E_FORMAT && !(status == MOTE_OK && keep + 20 > n))
                fail_msg("%s cut to %zu of %zu: status %d '%s'", files[i], keep, n, (int)status, diag.message);
            picture_free(&p);
            free(exact);
        }
    }
}

/* ---- sounds ---- */

static void test_sounds(void **state)
{
    (void)state;
    unsigned char w[4096];
    static const char *const files[] = {"u8", "s16", "s24", "s32", "f32", "f64"};
    for (size_t i = 0; i < 6; i++) {
        size_t n = read_seed("fuzz_wav", files[i], w, sizeof w);
        for (size_t keep = 0; keep <= n; keep++)
            for (int lenient = 0; lenient < 2; lenient++) {
                unsigned char *exact = malloc(keep + 1);
                memcpy(exact + 1, w, keep);
                mote_wav wav = MOTE_WAV_INIT;
                mote_status status = mote_wav_parse(exact + 1, keep, lenient != 0, &wav, NULL);
                float out[64];
                if (status == MOTE_OK)
                    assert_true(mote_wav_mono(&wav, 0, 64, out) <= 64);
                if (keep == n ? status != MOTE_OK : status != MOTE_E_FORMAT && !(status == MOTE_OK && lenient))
                    fail_msg("%s cut to %zu of %zu: status %d", files[i], keep, n, (int)status);
                free(exact);
            }
        for (size_t at = 16; at < 44; at++) /* every byte of the header at its extremes */
            for (int v = 0; v < 4; v++) {
                unsigned char was = w[at];
                w[at] = (unsigned char[]){0, 0xff, 0x7f, 0x80}[v];
                mote_wav wav = MOTE_WAV_INIT;
                float out[64];
                mote_status status = mote_wav_parse(w, n, true, &wav, NULL);
                assert_true(status == MOTE_OK || status == MOTE_E_FORMAT || status == MOTE_E_UNSUPPORTED);
                if (status == MOTE_OK) {
                    assert_true(wav.frames <= n);
                    (void)mote_wav_mono(&wav, wav.frames - (wav.frames != 0), 64, out);
                    assert_int_equal(mote_wav_mono(&wav, UINT64_MAX, 64, out), 0);
                }
                w[at] = was;
            }
    }
}

/* Sizes of the RIFF chunk and of the data as programs leave them that write to a pipe, and other wrong ones. */
static void test_streamed_sound(void **state)
{
    (void)state;
    static const struct { uint32_t riff, data; mote_status status; bool whole; } sizes[] = {
        {0xffffffff, 0xffffffff, MOTE_OK, true}, {0, 0xffffffff, MOTE_OK, true},  {1000, 0xffffffff, MOTE_OK, true}, {0xffffffff, 0, MOTE_OK, true},
        {0, 0, MOTE_OK, true},                   {0xffffffff, 8, MOTE_OK, false}, {1000, 0, MOTE_OK, false},         {0xffffffff, 1000, MOTE_OK, true},
        {1000, 0xfffffffe, MOTE_E_FORMAT, false}, {0, 0x7fffffff, MOTE_E_FORMAT, false}, {0, 1000, MOTE_E_FORMAT, false}};
    unsigned char w[4096];
    const size_t n = read_seed("fuzz_wav", "f32", w, sizeof w);
    mote_wav wav = MOTE_WAV_INIT;
    assert_int_equal(mote_wav_parse(w, n, false, &wav, NULL), MOTE_OK);
    const size_t at = (size_t)((const unsigned char *)wav.data - w), frame = wav.channels * wav.bits / 8;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t more = 0; more < frame; more += frame - 1) { /* the rest of a frame is left */
            for (int b = 0; b < 4; b++) {
                w[4 + b] = (unsigned char)(sizes[i].riff >> 8 * b);
                w[at - 4 + (size_t)b] = (unsigned char)(sizes[i].data >> 8 * b);
            }
            wav = (mote_wav)MOTE_WAV_INIT;
            mote_diag diag = MOTE_DIAG_INIT;
            char name[64];
            snprintf(name, sizeof name, "a RIFF of %u, data of %u", sizes[i].riff, sizes[i].data);
            mote_status status = mote_wav_parse(w, n + more, false, &wav, &diag);
            expect(name, status, &diag, sizes[i].status);
            if (status == MOTE_OK && wav.frames != (sizes[i].whole ? (n - at) / frame : sizes[i].data / frame))
                fail_msg("%s: %u frames", name, (unsigned)wav.frames);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, limit_memory, in_time)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_npy), TEST(test_npz), TEST(test_pictures), TEST(test_sounds), TEST(test_streamed_sound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
