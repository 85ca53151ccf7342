/* test_lower_conv_transpose.c - ConvTranspose: bits of the reference evaluation for strides, dilations, pads, groups, one to three dimensions
 * SPDX-License-Identifier: Apache-2.0 */
#include "compare_text.h"

static void check(const char *x, const char *w, int bias, const char *attrs)
{
    char text[1024], b[64] = "";
    if (bias != 0)
        snprintf(b, sizeof b, " const b: float32[%d] random 9", bias);
    snprintf(text, sizeof text, "module ir 8 opset \"\" 17 graph (x: float32[%s]) { const w: float32[%s] random 4%s y = ConvTranspose(x, w%s) {%s} return y }", x,
             w, b, bias != 0 ? ", b" : "", attrs);
    text_compare(text, NULL, "ConvTranspose", "mote_gemm");
    snprintf(text, sizeof text, "module ir 8 opset \"\" 17 graph (x: float32[%s], w: float32[%s]) {%s y = ConvTranspose(x, w%s) {%s} return y }", x, w, b,
             bias != 0 ? ", b" : "", attrs);
    text_compare(text, NULL, "ConvTranspose", "mote_gemm");
}

static void forms(void **state)
{
    (void)state;
    check("1,3,5,4", "3,7,3,3", 7, "strides=[2, 2]");
    check("2,8,6,5", "8,20,2,2", 0, "strides=[2, 2], kernel_shape=[2, 2]");
    check("1,4,3,3", "4,2,3,2", 4, "strides=[3, 2], pads=[1, 0, 1, 1], output_padding=[1, 1], group=2");
    check("1,6,4,5", "6,1,3,3", 6, "strides=[1, 1], dilations=[2, 2], group=6");
    check("2,5,9", "5,17,4", 17, "strides=[3], pads=[2, 1]");
    check("1,2,3,4,2", "2,3,2,2,3", 3, "strides=[2, 1, 2], dilations=[1, 2, 1]");
    check("1,3,4,4", "3,4,3,3", 4, "strides=[2, 2], auto_pad=\"SAME_UPPER\"");
    check("1,3,4,4", "3,4,4,4", 4, "strides=[2, 2], auto_pad=\"SAME_LOWER\", output_shape=[7, 9]");
    check("1,40,17,13", "40,33,2,2", 33, "strides=[2, 2]"); /* enough for several threads */
    check("1,2,1,1", "2,3,5,5", 3, "strides=[1, 1], pads=[2, 2, 2, 2]");
}

static void sizes_at_run(void **state)
{
    (void)state;
    const int64_t dims[] = {2, 7};
    text_compare("module ir 8 opset \"\" 17 graph (x: float32[N,3,M]) { const w: float32[3,5,3] random 2 y = ConvTranspose(x, w) {strides=[2]} return y }", dims,
                 "ConvTranspose", "mote_gemm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(sizes_at_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
