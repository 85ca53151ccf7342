/* test_resize.c - resampling: recorded sums of Pillow's results, borders, failing memory; `test_resize serve` resizes for test_resize.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/image/resize.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka needs what is above
#include <cmocka.h>

static uint64_t sum_of(const uint8_t *p, size_t n)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static void fill(uint8_t *p, size_t n)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
}

/* From `test_resize.py --record`, Pillow 13.0.0 (and 12 where the order of passes matters). */
static const struct {
    int32_t w, h, ow, oh, channels;
    mote_resample resample;
    mote_resize_reference reference;
    uint64_t sum;
} recorded[] = {
#include "resize_recorded.inc"
};

static void test_recorded(void **state)
{
    (void)state;
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
        const size_t c = (size_t)recorded[i].channels, in = (size_t)recorded[i].w * (size_t)recorded[i].h * c,
                     out = (size_t)recorded[i].ow * (size_t)recorded[i].oh * c;
        /* The rows lie in longer ones, whose rests stay as they are. */
        uint8_t *a = malloc(in), *b = malloc(out + (size_t)recorded[i].oh * 5), *packed = malloc(out);
        fill(a, in);
        memset(b, 0xa5, out + (size_t)recorded[i].oh * 5);
        mote_resize r = {a, (size_t)recorded[i].w * c, recorded[i].w, recorded[i].h, b, (size_t)recorded[i].ow * c + 5, recorded[i].ow,
                         recorded[i].oh, recorded[i].channels, recorded[i].resample, recorded[i].reference};
        mote_diag diag = MOTE_DIAG_INIT;
        assert_int_equal(mote_resize_run(&r, &heap, &diag), MOTE_OK);
        const size_t row = (size_t)recorded[i].ow * c;
        for (size_t y = 0; y < (size_t)recorded[i].oh; y++) {
            memcpy(packed + y * row, b + y * (row + 5), row);
            for (size_t k = 0; k < 5; k++)
                assert_int_equal(b[y * (row + 5) + row + k], 0xa5);
        }
        if (sum_of(packed, out) != recorded[i].sum)
            fail_msg("row %zu: %dx%d to %dx%d, filter %d", i, recorded[i].w, recorded[i].h, recorded[i].ow, recorded[i].oh, recorded[i].resample);
        free(a);
        free(b);
        free(packed);
    }
    assert_int_equal(heap.used, 0);
}

static void test_refusals(void **state)
{
    (void)state;
    uint8_t a[64] = {0}, b[64];
    mote_image image = MOTE_IMAGE_INIT;
    image.width = image.height = 4;
    image.planes[0] = a;
    image.stride_bytes[0] = 12;
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_image_resize(&image, 2, 2, MOTE_RESAMPLE_BOX, MOTE_RESIZE_PILLOW13, b, 6, NULL, &diag), MOTE_OK);
    assert_int_equal(mote_image_resize(&image, 0, 2, MOTE_RESAMPLE_BOX, MOTE_RESIZE_PILLOW13, b, 6, NULL, &diag), MOTE_E_ARGUMENT);
    assert_int_equal(mote_image_resize(&image, 2, 70000, MOTE_RESAMPLE_BOX, MOTE_RESIZE_PILLOW13, b, 6, NULL, NULL), MOTE_E_LIMIT);
    assert_int_equal(mote_image_resize(&image, 2, 2, (mote_resample)9, MOTE_RESIZE_PILLOW13, b, 6, NULL, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_image_resize(&image, 2, 2, MOTE_RESAMPLE_BOX, MOTE_RESIZE_PILLOW13, b, 5, NULL, NULL), MOTE_E_ARGUMENT);
    image.stride_bytes[0] = 11;
    assert_int_equal(mote_image_resize(&image, 2, 2, MOTE_RESAMPLE_BOX, MOTE_RESIZE_PILLOW13, b, 6, NULL, NULL), MOTE_E_ARGUMENT);
    image.stride_bytes[0] = 12;
    image.format = MOTE_IMAGE_NV12;
    assert_int_equal(mote_image_resize(&image, 2, 2, MOTE_RESAMPLE_BOX, MOTE_RESIZE_PILLOW13, b, 6, NULL, NULL), MOTE_E_UNSUPPORTED);
}

static void test_memory(void **state)
{
    (void)state;
    static uint8_t a[100 * 100 * 3], b[50 * 50 * 3];
    for (int filter = 0; filter <= 5; filter++) {
        bool done = false;
        for (size_t limit = 1; !done; limit += limit / 8 + 1) {
            mote_heap heap;
            mote_heap_init(&heap, NULL, limit);
            const mote_resize r = {a, 300, 100, 100, b, 150, 50, 50, 3, (mote_resample)filter, MOTE_RESIZE_PILLOW13};
            const mote_status status = mote_resize_run(&r, &heap, NULL);
            assert_true(status == MOTE_OK || status == MOTE_E_MEMORY);
            assert_int_equal(heap.used, 0);
            done = status == MOTE_OK;
        }
    }
}

/* Requests: eight int32 (w, h, ow, oh, channels, filter, reference, 0) and the pixels; answers: the pixels. */
static int serve(void)
{
    int32_t q[8];
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    while (fread(q, sizeof(q), 1, stdin) == 1) {
        const size_t in = (size_t)q[0] * (size_t)q[1] * (size_t)q[4], out = (size_t)q[2] * (size_t)q[3] * (size_t)q[4];
        uint8_t *a = malloc(in), *b = malloc(out);
        if (a == NULL || b == NULL || fread(a, in, 1, stdin) != 1)
            return 1;
        const mote_resize r = {a, (size_t)q[0] * (size_t)q[4], q[0], q[1], b, (size_t)q[2] * (size_t)q[4], q[2], q[3], q[4], (mote_resample)q[5],
                               (mote_resize_reference)q[6]};
        if (mote_resize_run(&r, &heap, NULL) != MOTE_OK || fwrite(b, out, 1, stdout) != 1 || fflush(stdout) != 0)
            return 1;
        free(a);
        free(b);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return serve();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded), cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
