/* test_scores.c - softmax, the best of many, boxes: against plain definitions; `serve` answers test_scores.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <math.h>
#include <mote/mote_prep.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka needs what is above
#include <cmocka.h>

static uint32_t seed = 1;
static float next(void) { return (float)((seed = seed * 1664525u + 1013904223u) >> 8) / 16777216.0f; }

static void test_softmax(void **state)
{
    (void)state;
    float x[1001], y[1001];
    for (size_t n = 1; n <= 1001; n += 100) {
        double sum = 0, whole = 0;
        for (size_t i = 0; i < n; i++)
            sum += exp((double)(x[i] = next() * 20 - 10));
        mote_softmax(x, n, y);
        for (size_t i = 0; i < n; i++) {
            assert_true(fabs((double)y[i] - exp((double)x[i]) / sum) < 1e-6);
            whole += (double)y[i];
        }
        assert_true(fabs(whole - 1) < 1e-5);
    }
    mote_softmax(x, 0, y);
}

static void test_top_k(void **state)
{
    (void)state;
    float x[300];
    size_t got[300];
    for (int round = 0; round < 200; round++) {
        size_t n = (size_t)(next() * 300), k = (size_t)(next() * 300);
        for (size_t i = 0; i < n; i++)
            x[i] = round % 4 == 3 && i % 7 == 0 ? NAN : round % 2 != 0 ? floorf(next() * 8) : next();
        bool taken[300] = {false};
        size_t m = mote_top_k(x, n, got, k);
        assert_int_equal(m, k < n ? k : n);
        for (size_t i = 0; i < m; i++) { /* the first of the largest that is left */
            size_t best = n;
            for (size_t j = 0; j < n; j++)
                if (!taken[j] && (best == n || x[j] > x[best] || (isnan(x[best]) && !isnan(x[j]))))
                    best = j;
            assert_int_equal(got[i], best);
            taken[best] = true;
        }
    }
}

static void test_boxes(void **state)
{
    (void)state;
    mote_box b = {0};
    mote_box_corners((float[]){1, 2, 3, 5}, MOTE_BOX_XYXY, &b);
    assert_true(b.x0 == 1 && b.y0 == 2 && b.x1 == 3 && b.y1 == 5);
    mote_box_corners((float[]){1, 2, 3, 5}, MOTE_BOX_XYWH, &b);
    assert_true(b.x0 == 1 && b.y0 == 2 && b.x1 == 4 && b.y1 == 7);
    mote_box_corners((float[]){4, 6, 2, 8}, MOTE_BOX_CXCYWH, &b);
    assert_true(b.x0 == 3 && b.y0 == 2 && b.x1 == 5 && b.y1 == 10);
    const mote_box a = {0, 0, 2, 2, 0, 0}, c = {1, 1, 3, 3, 0, 0}, far_away = {5, 5, 6, 6, 0, 0}, none = {1, 1, 1, 1, 0, 0}, turned = {2, 2, 0, 0, 0, 0};
    assert_true(mote_box_iou(&a, &c) == 1.0f / 7 && mote_box_iou(&a, &a) == 1 && mote_box_iou(&a, &far_away) == 0);
    assert_true(mote_box_iou(&none, &none) == 0 && mote_box_iou(&turned, &a) == 0);
    /* another class stays; the same one goes; a limit holds */
    mote_box list[4] = {{0, 0, 2, 2, 0.5f, 1}, {0, 0, 2, 2, 0.9f, 1}, {0, 0, 2, 2, 0.7f, 2}, {9, 9, 10, 10, 0.6f, 1}};
    assert_int_equal(mote_boxes_suppress(list, 4, 0.5f, 10), 3);
    assert_true(list[0].score == 0.9f && list[1].index == 2 && list[2].x0 == 9);
    assert_int_equal(mote_boxes_suppress(list, 3, 0.5f, 2), 2);
    assert_int_equal(mote_boxes_suppress(NULL, 0, 0.5f, 2), 0);
}

/* A letterbox there and back. */
static void test_back(void **state)
{
    (void)state;
    mote_image_prep prep = MOTE_IMAGE_PREP_INIT;
    prep.fit = MOTE_FIT_LETTERBOX;
    prep.width = prep.height = 100;
    mote_image_map map = MOTE_IMAGE_MAP_INIT;
    assert_int_equal(mote_image_prep_map(&prep, 400, 200, &map, NULL), MOTE_OK); /* 100 x 50, 25 below the top */
    mote_box b = {10, 30, 60, 70, 0, 0};
    mote_box_to_picture(&b, &map, 400, 200);
    assert_true(b.x0 == 40 && b.y0 == 20 && b.x1 == 240 && b.y1 == 180);
    b = (mote_box){-5, 0, 200, 99, 0, 0};
    mote_box_to_picture(&b, &map, 400, 200);
    assert_true(b.x0 == 0 && b.y0 == 0 && b.x1 == 400 && b.y1 == 200);
}

/* {u32 n, f32 iou, u32 keep}, n boxes; answers u32 count, boxes. */
static int serve(void)
{
    struct { uint32_t n; float iou; uint32_t keep; } head;
    while (fread(&head, sizeof head, 1, stdin) == 1) {
        mote_box *boxes = calloc(head.n + 1, sizeof *boxes);
        if (boxes == NULL || fread(boxes, sizeof *boxes, head.n, stdin) != head.n)
            return 1;
        uint32_t kept = (uint32_t)mote_boxes_suppress(boxes, head.n, head.iou, head.keep);
        fwrite(&kept, sizeof kept, 1, stdout);
        fwrite(boxes, sizeof *boxes, kept, stdout);
        fflush(stdout);
        free(boxes);
    }
    return 0;
}

static int frames(char **argv)
{
    mote_frames_options o = MOTE_FRAMES_OPTIONS_INIT;
    o.n_fft = strtoul(argv[0], NULL, 10), o.window_length = strtoul(argv[1], NULL, 10), o.hop = strtoul(argv[2], NULL, 10), o.n_mels = strtoul(argv[3], NULL, 10);
    o.n_mfcc = strtoul(argv[4], NULL, 10), o.power = (unsigned)strtoul(argv[5], NULL, 10), o.orthonormal = argv[6][0] == '1', o.floor_added = argv[7][0] == '1';
    o.floor = 1e-6f;
    static float x[16000], out[100000];
    size_t n = fread(x, sizeof *x, 16000, stdin), count = mote_frames_count(&o, n);
    if (mote_frames_compute(&o, x, n, out, NULL, NULL) != MOTE_OK)
        return 1;
    return fwrite(out, sizeof *out, count * (o.n_mfcc != 0 ? o.n_mfcc : o.n_mels), stdout) == 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return serve();
    if (argc == 10 && strcmp(argv[1], "frames") == 0)
        return frames(argv + 2);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_softmax), cmocka_unit_test(test_top_k), cmocka_unit_test(test_boxes), cmocka_unit_test(test_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
