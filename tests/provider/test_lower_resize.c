/* test_lower_resize.c - Resize and Upsample: bits of the reference evaluation for modes, positions, ranks, layouts and element types
 * SPDX-License-Identifier: Apache-2.0 */
#include "compare_text.h"

static void check(const char *type, const char *shape, const char *how, const char *attrs, const char *part)
{
    char text[1024];
    snprintf(text, sizeof text, "module ir 8 opset \"\" 19 graph (x: %s[%s]) { const s: %s y = Resize(x, _, %s) {%s} return y }", type, shape, how,
             strncmp(how, "int64", 5) == 0 ? "_, s" : "s", attrs);
    text_compare(text, NULL, "Resize", part);
}

static void interpolated(void **state)
{
    (void)state;
    static const char *const attrs[] = {
        "mode=\"linear\"", "mode=\"linear\", coordinate_transformation_mode=\"align_corners\"",
        "mode=\"cubic\", exclude_outside=1", "mode=\"linear\", antialias=1", "mode=\"cubic\", coordinate_transformation_mode=\"asymmetric\", antialias=1",
        "mode=\"linear\", coordinate_transformation_mode=\"pytorch_half_pixel\"", "mode=\"linear\", coordinate_transformation_mode=\"half_pixel_symmetric\""};
    for (size_t i = 0; i < sizeof attrs / sizeof attrs[0]; i++) {
        check("float32", "2,3,9,7", "float32[4] {1.0, 1.0, 2.0, 2.5}", attrs[i], "mote_resize");
        check("float32", "1,20,11,18", "int64[4] {1, 20, 5, 35}", attrs[i], "mote_resize");
        check("float32", "1,7,9,20", "float32[4] {1.0, 2.0, 0.7, 1.0}", attrs[i], "mote_resize"); /* channels last */
        check("float32", "5,6,7", "int64[3] {3, 9, 17}", attrs[i], "mote_resize");
        check("float32", "40", "int64[1] {77}", attrs[i], "mote_resize");
        check("uint8", "1,3,17,9", "int64[4] {1, 3, 34, 30}", attrs[i], strstr(attrs[i], "antialias") != NULL ? "reference" : "mote_resize");
    }
    check("float32", "2,3,9,7", "float32[4] {1.0, 1.0, 1.0, 1.0}", attrs[0], "mote_resize");
    check("float16", "2,3,9,7", "float32[4] {1.0, 1.0, 2.0, 2.0}", attrs[0], "reference");
    check("float32", "1,1,90,2", "int64[4] {1, 1, 1, 2}", attrs[3], "reference"); /* more taps than the rows take */
}

static void moved(void **state)
{
    (void)state;
    static const char *const types[] = {"float32", "uint8", "float16", "int64", "bool"};
    static const char *const attrs[] = {"mode=\"nearest\"", "mode=\"nearest\", nearest_mode=\"floor\", coordinate_transformation_mode=\"asymmetric\"",
                                        "mode=\"nearest\", nearest_mode=\"ceil\"", "mode=\"nearest\", nearest_mode=\"round_prefer_ceil\""};
    for (size_t t = 0; t < 5; t++)
        for (size_t i = 0; i < 4; i++) {
            check(types[t], "2,3,9,7", "float32[4] {1.0, 1.0, 2.0, 3.0}", attrs[i], "mote_resize");
            check(types[t], "1,9,7,20", "float32[4] {1.0, 2.0, 0.6, 1.0}", attrs[i], "mote_resize");
            check(types[t], "3,2,5,2,3,40", "int64[6] {2, 2, 8, 2, 1, 81}", attrs[i], "mote_resize");
        }
    check("float32", "2,3,9,7", "float32[4] {1.0, 1.0, 1.0, 1.0}", attrs[0], "mote_resize");
}

static void other_forms(void **state)
{
    (void)state;
    const int64_t dims[] = {3, 5};
    text_compare("module ir 8 opset \"\" 9 graph (x: float32[1,2,N,M]) { const s: float32[4] {1.0, 1.0, 2.0, 3.0} y = Upsample(x, s) {mode=\"linear\"} return y }",
                 dims, "Upsample", "mote_resize");
    text_compare("module ir 8 opset \"\" 7 graph (x: float32[1,2,N,M]) { y = Upsample(x) {scales=[1.0, 1.0, 2.0, 3.0]} return y }", dims, "Upsample", "mote_resize");
    text_compare("module ir 8 opset \"\" 10 graph (x: float32[1,2,N,M]) { const s: float32[4] {1.0, 1.0, 0.5, 3.0} y = Resize(x, s) return y }", dims, "Resize",
                 "mote_resize");
    text_compare("module ir 8 opset \"\" 18 graph (x: float32[1,2,N,M]) { const s: int64[2] {7, 7} y = Resize(x, _, _, s) {axes=[2, 3], "
                 "keep_aspect_ratio_policy=\"not_larger\", mode=\"linear\"} return y }", dims, "Resize", "mote_resize");
    text_compare("module ir 8 opset \"\" 18 graph (x: float32[1,2,N,M]) { const r: float32[8] {0.0, 0.0, 0.2, -0.2, 1.0, 1.0, 0.8, 1.1} const s: int64[4] {1, 2, 5, 6} "
                 "y = Resize(x, r, _, s) {coordinate_transformation_mode=\"tf_crop_and_resize\", extrapolation_value=3.5, mode=\"linear\"} return y }", dims,
                 "Resize", "reference");
    /* sizes that are known only at run */
    text_compare("module ir 8 opset \"\" 18 graph (x: float32[1,2,N,M], like: float32[1,2,9,8]) { s = Shape(like) y = Resize(x, _, _, s) {mode=\"linear\"} return y }",
                 dims, "Resize", "mote_resize");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(interpolated), cmocka_unit_test(moved), cmocka_unit_test(other_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
