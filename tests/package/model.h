/* model.h - a model as a file's bytes: y = x + x, float32[3]; ONNX IR version 8, operator set 17
 * SPDX-License-Identifier: Apache-2.0 */
static const unsigned char model_bytes[] = {
    8, 8, 18, 0, 58, 53, 10, 14, 10, 1, 120, 10, 1, 120, 18, 1, 121, 34, 3, 65, 100, 100, 18, 1,
    103, 90, 15, 10, 1, 120, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 3, 98, 15, 10, 1, 121, 18,
    10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 3, 66, 4, 10, 0, 16, 17,
};
