/* test_image.c - pictures to tensors: formats, fits, crops, letterboxes, values, layouts, refusals
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/half.h"
#include "pipeline/image/image.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// cmocka needs what is above
#include <cmocka.h>

static uint8_t pixels[256 * 256 * 4];
static float floats[3 * 256 * 256];

static mote_image image_of(mote_image_format format, int32_t w, int32_t h, size_t stride)
{
    mote_image image = MOTE_IMAGE_INIT;
    image.format = format;
    image.width = w;
    image.height = h;
    image.planes[0] = pixels;
    image.stride_bytes[0] = stride;
    return image;
}

static mote_tensor tensor_of(mote_dtype dtype, int64_t a, int64_t b, int64_t c, int64_t d, void *data)
{
    mote_tensor t = MOTE_TENSOR_INIT;
    t.buffer = data;
    t.dtype = dtype;
    t.rank = 4;
    t.shape[0] = a, t.shape[1] = b, t.shape[2] = c, t.shape[3] = d;
    t.bytes = (size_t)(a * b * c * d) * mote_dtype_bits(dtype) / 8;
    return t;
}

static void fill(void)
{
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * 7 + i / 251);
}

/* The center 224 of 227, (x - 127) / 128, planar. */
static void test_crop(void **state)
{
    (void)state;
    fill();
    const mote_image image = image_of(MOTE_IMAGE_RGB8, 227, 227, 700);
    mote_image_prep prep = MOTE_IMAGE_PREP_INIT;
    prep.crop_width = prep.crop_height = 224;
    prep.normalize = true;
    for (size_t c = 0; c < 3; c++)
        prep.mean[c] = 127, prep.std[c] = 128;
    mote_tensor t = tensor_of(MOTE_DTYPE_F32, 1, 3, 224, 224, floats);
    mote_image_map map = MOTE_IMAGE_MAP_INIT;
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 0, &map, NULL, &diag), MOTE_OK);
    assert_true(map.offset_x == -1 && map.offset_y == -1 && map.scale_x == 1 && map.width == 224);
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < 224; y++)
            for (size_t x = 0; x < 224; x++)
                assert_true(floats[(c * 224 + y) * 224 + x] == ((float)pixels[(y + 1) * 700 + (x + 1) * 3 + c] - 127) / 128);
    /* A crop larger than the picture: zeros around it. */
    const mote_image small = image_of(MOTE_IMAGE_RGB8, 3, 2, 9);
    prep.normalize = false;
    prep.crop_width = prep.crop_height = 4;
    t = tensor_of(MOTE_DTYPE_F32, 1, 3, 4, 4, floats);
    assert_int_equal(mote_image_to_tensor(&small, &prep, &t, 0, &map, NULL, NULL), MOTE_OK);
    assert_true(map.offset_x == 1 && map.offset_y == 1);
    assert_true(floats[0] == 0 && floats[4] == 0 && floats[5] == pixels[0] && floats[7] == pixels[6] && floats[12] == 0);
}

static void test_values(void **state)
{
    (void)state;
    fill();
    const mote_image image = image_of(MOTE_IMAGE_BGRA8, 5, 4, 23);
    mote_image_prep prep = MOTE_IMAGE_PREP_INIT;
    prep.rescale = prep.normalize = true;
    prep.rescale_factor = 1 / 255.0;
    prep.layout = MOTE_LAYOUT_NHWC;
    prep.channels = MOTE_CHANNELS_BGR;
    const double mean[3] = {0.406, 0.456, 0.485}, std[3] = {0.225, 0.224, 0.229};
    memcpy(prep.mean, mean, sizeof mean);
    memcpy(prep.std, std, sizeof std);
    /* The second picture of a batch of two; the first stays. */
    floats[0] = 77;
    mote_tensor t = tensor_of(MOTE_DTYPE_F32, 2, 4, 5, 3, floats);
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 1, NULL, NULL, NULL), MOTE_OK);
    assert_true(floats[0] == 77);
    uint16_t halves[60];
    mote_tensor h = tensor_of(MOTE_DTYPE_F16, 1, 4, 5, 3, halves);
    assert_int_equal(mote_image_to_tensor(&image, &prep, &h, 0, NULL, NULL, NULL), MOTE_OK);
    for (size_t y = 0; y < 4; y++)
        for (size_t x = 0; x < 5; x++)
            for (size_t c = 0; c < 3; c++) {
                const float v = ((float)(pixels[y * 23 + x * 4 + c] * (1 / 255.0)) - (float)mean[c]) / (float)std[c];
                assert_true(floats[60 + (y * 5 + x) * 3 + c] == v);
                assert_int_equal(halves[(y * 5 + x) * 3 + c], mote_f16_from_f32(v));
            }
    /* Gray, unsigned bytes. */
    uint8_t bytes[20];
    prep.rescale = prep.normalize = false;
    prep.channels = MOTE_CHANNELS_GRAY;
    t = tensor_of(MOTE_DTYPE_U8, 1, 4, 5, 1, bytes);
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 0, NULL, NULL, NULL), MOTE_OK);
    assert_int_equal(bytes[6], (pixels[23 + 4 + 2] * 19595u + pixels[23 + 4 + 1] * 38470u + pixels[23 + 4] * 7471u + 32768u) >> 16);
}

static void test_letterbox(void **state)
{
    (void)state;
    memset(pixels, 200, sizeof pixels);
    const mote_image image = image_of(MOTE_IMAGE_GRAY8, 40, 20, 40);
    mote_image_prep prep = MOTE_IMAGE_PREP_INIT;
    prep.fit = MOTE_FIT_LETTERBOX;
    prep.width = 20;
    prep.height = 21;
    prep.pad_value = 114;
    uint8_t out[3 * 20 * 21];
    mote_tensor t = tensor_of(MOTE_DTYPE_U8, 1, 3, 21, 20, out);
    mote_image_map map = MOTE_IMAGE_MAP_INIT;
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 0, &map, NULL, NULL), MOTE_OK);
    assert_true(map.scale_x == 0.5 && map.scale_y == 0.5 && map.offset_x == 0 && map.offset_y == 5);
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < 21; y++)
            for (size_t x = 0; x < 20; x++)
                assert_int_equal(out[(c * 21 + y) * 20 + x], y < 5 || y >= 15 ? 114 : 200);
    /* Shortest edge, and padding at the right and the bottom. */
    prep = (mote_image_prep)MOTE_IMAGE_PREP_INIT;
    prep.fit = MOTE_FIT_SHORTEST_EDGE;
    prep.shortest_edge = 7;
    assert_int_equal(mote_image_prep_map(&prep, 227, 300, &map, NULL), MOTE_OK);
    assert_true(map.width == 7 && map.height == 9);
    prep.fit = MOTE_FIT_NONE;
    prep.pad_width = 50;
    assert_int_equal(mote_image_prep_map(&prep, 40, 20, &map, NULL), MOTE_OK);
    assert_true(map.width == 50 && map.height == 20 && map.offset_x == 0);
}

/* Red in JPEG's YCbCr is 76, 85, 255. */
static void test_yuv(void **state)
{
    (void)state;
    static const uint8_t luma[2][4] = {{76, 76, 255, 0}, {76, 76, 0, 0}}, chroma[4] = {255, 85, 128, 128};
    mote_image image = MOTE_IMAGE_INIT;
    image.format = MOTE_IMAGE_NV21;
    image.width = 3;
    image.height = 2;
    image.planes[0] = luma[0];
    image.planes[1] = chroma;
    image.stride_bytes[0] = image.stride_bytes[1] = 4;
    uint8_t rgb[18];
    assert_int_equal(mote_image_check(&image, NULL), MOTE_OK);
    mote_image_convert(&image, 3, rgb);
    static const uint8_t want[18] = {254, 0, 0, 254, 0, 0, 255, 255, 255, 254, 0, 0, 254, 0, 0, 0, 0, 0};
    assert_memory_equal(rgb, want, 18);
    image.format = MOTE_IMAGE_NV12;
    mote_image_convert(&image, 3, rgb);
    assert_true(rgb[2] > 250 && rgb[0] < 20);
    image.stride_bytes[1] = 3;
    assert_int_equal(mote_image_check(&image, NULL), MOTE_E_ARGUMENT);
}

static void test_refusals(void **state)
{
    (void)state;
    const mote_image image = image_of(MOTE_IMAGE_RGB8, 10, 10, 30);
    mote_image_prep prep = MOTE_IMAGE_PREP_INIT;
    mote_tensor t = tensor_of(MOTE_DTYPE_F32, 1, 3, 10, 11, floats);
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 0, NULL, NULL, &diag), MOTE_E_SHAPE);
    assert_non_null(strstr(diag.message, "[3,10,11]"));
    assert_non_null(strstr(diag.message, "[3,10,10]"));
    t = tensor_of(MOTE_DTYPE_S64, 1, 3, 10, 10, floats);
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 0, NULL, NULL, NULL), MOTE_E_DTYPE);
    t = tensor_of(MOTE_DTYPE_F32, 1, 3, 10, 10, floats);
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 1, NULL, NULL, NULL), MOTE_E_SHAPE);
    t.bytes--;
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 0, NULL, NULL, NULL), MOTE_E_SHAPE);
    t.bytes++;
    prep.normalize = true;
    prep.std[1] = 0;
    mote_diag again = MOTE_DIAG_INIT;
    assert_int_equal(mote_image_to_tensor(&image, &prep, &t, 0, NULL, NULL, &again), MOTE_E_ARGUMENT);
    assert_non_null(strstr(again.message, "std[1] is 0"));
    prep = (mote_image_prep)MOTE_IMAGE_PREP_INIT;
    prep.fit = MOTE_FIT_SHORTEST_EDGE;
    prep.shortest_edge = 1000;
    mote_image_map map = MOTE_IMAGE_MAP_INIT;
    assert_int_equal(mote_image_prep_map(&prep, 1, 60000, &map, NULL), MOTE_E_LIMIT);
}

static size_t left;
static void *some(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    return left == 0 ? NULL : (left--, aligned_alloc(align, (bytes + align - 1) & ~(align - 1)));
}
static void give(void *ctx, void *p, size_t bytes)
{
    (void)ctx, (void)bytes;
    free(p);
}

static void test_memory(void **state)
{
    (void)state;
    mote_allocator allocator = MOTE_ALLOCATOR_INIT;
    allocator.alloc = some;
    allocator.free = give;
    const mote_image image = image_of(MOTE_IMAGE_BGR8, 60, 50, 180);
    mote_image_prep prep = MOTE_IMAGE_PREP_INIT;
    prep.fit = MOTE_FIT_EXACT;
    prep.width = prep.height = 20;
    mote_tensor t = tensor_of(MOTE_DTYPE_F32, 1, 3, 20, 20, floats);
    mote_status status = MOTE_E_MEMORY;
    size_t n;
    for (n = 0; status == MOTE_E_MEMORY && n < 20; n++) {
        left = n;
        status = mote_image_to_tensor(&image, &prep, &t, 0, NULL, &allocator, NULL);
    }
    assert_int_equal(status, MOTE_OK);
    assert_in_range(n, 5, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crop), cmocka_unit_test(test_values),   cmocka_unit_test(test_letterbox),
                                       cmocka_unit_test(test_yuv),  cmocka_unit_test(test_refusals), cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
