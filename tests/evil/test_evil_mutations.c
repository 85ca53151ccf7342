/* test_evil_mutations.c - valid models with each of their numbers, one after the other, replaced by extreme ones
 * SPDX-License-Identifier: Apache-2.0
 *
 * The models are the seeds of the fuzz target. Every varint of every message (attributes, dimensions, types, versions), every 8-byte word of raw data and
 * every name is tried. */
#include "base/platform.h"
#include "fuzz/mutate_onnx.h"
#include "support/hostile.h"
#include "support/onnx_build.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const int allowed[] = {MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_MEMORY, MOTE_E_LIMIT, MOTE_E_FORMAT, MOTE_E_MODEL, MOTE_E_UNSUPPORTED, MOTE_E_PATH, MOTE_E_SHAPE, MOTE_E_DTYPE, MOTE_E_VALUE, -1};
static const uint64_t numbers[] = {0, 1, 2, 5, 1000, 0x7fffffff, (uint64_t)1 << 40, (uint64_t)INT64_MAX, UINT64_MAX, (uint64_t)1 << 63, (uint64_t)-2};
enum { N_NUMBERS = sizeof numbers / sizeof numbers[0] };

typedef struct target {
    size_t want, at; /* the place to change, counted over the whole model */
    uint64_t number;
    bool changed;
} target;

/* Copies a message with place number t->want changed. false: not a message. */
static bool copy(const uint8_t *p, size_t n, pb *out, target *t, int depth)
{
    enum { CAP = 512 };
    mutate_field *f = calloc(CAP, sizeof *f);
    size_t count;
    if (f == NULL)
        abort();
    if (depth > 20 || !mutate_split(p, n, f, CAP, &count)) {
        free(f);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *body = p + f[i].body;
        size_t length = f[i].end - f[i].body, before = t->at;
        if (f[i].type == 0) {
            pb_raw(out, p + f[i].at, f[i].body - f[i].at);
            if (t->at++ == t->want) {
                pb_varint(out, t->number);
                t->changed = true;
            } else {
                pb_raw(out, body, length);
            }
            continue;
        }
        if (f[i].type != 2) {
            pb_raw(out, p + f[i].at, f[i].end - f[i].at);
            continue;
        }
        uint64_t key = 0;
        size_t at = f[i].at;
        (void)mutate_varint(p, n, &at, &key);
        pb inner = {NULL, 0, 0};
        bool numeric = key >> 3 == 9 && length % 8 == 0 && length != 0; /* raw data of 64-bit numbers, perhaps */
        if (numeric || !copy(body, length, &inner, t, depth + 1)) {
            pb_free(&inner);
            t->at = before;
            pb_raw(&inner, body, length);
            for (size_t k = 0; numeric && k < length && k < 64; k += 8)
                if (t->at++ == t->want) {
                    memcpy(inner.p + k, &t->number, 8);
                    t->changed = true;
                }
            if (!numeric && length != 0 && length < 32 && t->at++ == t->want) { /* a name */
                t->changed = true;
                inner.n = t->number % 3 == 0 ? 0 : length;
                if (t->number % 3 == 1)
                    inner.p[0] ^= 1;
                if (t->number % 3 == 2)
                    pb_raw(&inner, "\0", 1);
            }
        }
        pb_bytes(out, (uint32_t)(key >> 3), inner.p, inner.n);
        pb_free(&inner);
    }
    free(f);
    return true;
}

static void mutate_file(const char *path, size_t *tried)
{
    FILE *f = fopen(path, "rb");
    uint8_t data[8192];
    if (f == NULL)
        fail_msg("%s", path);
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    hostile_options o = {.step_limit = 1000, .memory_limit = 30 << 20};
    for (size_t place = 0;; place++) {
        bool changed = false;
        for (size_t k = 0; k < N_NUMBERS; k++) {
            target t = {place, 0, numbers[k], false};
            pb m = {NULL, 0, 0};
            if (!copy(data, n, &m, &t, 0))
                fail_msg("%s is no message", path);
            changed = t.changed;
            if (changed) {
                o.reference = k % 3 == 2;
                hostile_result r = hostile_model(m.p, m.n, &o);
                char name[600];
                snprintf(name, sizeof name, "%s, place %zu, number %zu", path, place, k);
                hostile_expect(name, &r, allowed);
                ++*tried;
            }
            pb_free(&m);
        }
        if (!changed)
            return;
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const char folder[] = MOTE_TEST_SOURCE_DIR "/tests/fuzz/corpus/fuzz_load";
    DIR *d = opendir(folder);
    assert_non_null(d);
    size_t tried = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.' && strchr(e->d_name, '-') == NULL)
            mutate_file(path, &tried);
    }
    closedir(d);
    print_message("%zu models\n", tried);
    assert_true(tried > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
