/* decoder.c - ImageDecoder (ai.onnx 20): a picture file in a tensor, decoded by the tool's libraries
 * SPDX-License-Identifier: Apache-2.0
 *
 * JPEG, PNG, BMP and PNM; JPEG 2000, TIFF, WebP and GIF are refused by name. Gray is Pillow's convert("L"): (19595 R + 38470 G + 7471 B + 2^15) / 2^16. */
#include "base/platform.h"
#include "decoder.h"
#include "picture.h"
#include <string.h>

typedef enum pixel_format { FORMAT_RGB, FORMAT_BGR, FORMAT_GRAY, FORMAT_NONE } pixel_format;

static pixel_format format_of(const mote_custom_call *c)
{
    static const char *const names[] = {"RGB", "BGR", "Grayscale"};
    const mote_string s = mote_custom_string(c, "pixel_format");
    for (int i = 0; i < 3; i++)
        if (s.length == strlen(names[i]) && memcmp(s.data, names[i], s.length) == 0)
            return (pixel_format)i;
    return FORMAT_NONE;
}

static mote_status infer(void *user, mote_custom_call *c)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(c, 0);
    if (x->rank >= 0 && x->rank != 1)
        return mote_custom_fail(c, MOTE_E_SHAPE, "encoded_stream has rank %d, expected 1", (int)x->rank);
    const pixel_format f = format_of(c);
    if (f == FORMAT_NONE)
        return mote_custom_fail(c, MOTE_E_VALUE, "pixel_format is not RGB, BGR or Grayscale");
    return mote_custom_set_output(c, 0, MOTE_DTYPE_U8, 3, (int64_t[]){-1, -1, f == FORMAT_GRAY ? 1 : 3});
}

static mote_status compute(void *user, mote_custom_call *c)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(c, 0);
    const pixel_format f = format_of(c);
    picture p;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = picture_decode(mote_tensor_map(x), x->bytes, &p, &diag);
    if (status != MOTE_OK)
        return mote_custom_fail(c, status, "encoded_stream: %s", diag.message);
    status = mote_custom_set_output(c, 0, MOTE_DTYPE_U8, 3, (int64_t[]){(int64_t)p.height, (int64_t)p.width, f == FORMAT_GRAY ? 1 : 3});
    if (status == MOTE_OK && mote_custom_output(c, 0) != NULL) {
        uint8_t *y = mote_tensor_map(mote_custom_output(c, 0));
        const uint8_t *rgb = p.rgb;
        for (size_t i = 0; i < p.width * p.height; i++, rgb += 3)
            if (f == FORMAT_GRAY) {
                y[i] = (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >> 16);
            } else {
                y[3 * i] = rgb[f == FORMAT_BGR ? 2 : 0];
                y[3 * i + 1] = rgb[1];
                y[3 * i + 2] = rgb[f == FORMAT_BGR ? 0 : 2];
            }
    }
    picture_free(&p);
    return status;
}

const mote_custom_ops *tool_operators(void)
{
    static mote_custom_ops *ops;
    if (ops != NULL)
        return ops;
    mote_custom_op o = MOTE_CUSTOM_OP_INIT;
    o.domain = "", o.name = "ImageDecoder", o.since = 20;
    o.inputs = "encoded_stream:uint8", o.outputs = "image:uint8", o.attributes = "pixel_format:string=RGB";
    o.flags = MOTE_CUSTOM_DATA_SHAPE;
    o.infer = infer, o.compute = compute;
    if (mote_custom_ops_create(NULL, &ops) == MOTE_OK && mote_custom_ops_add(ops, &o, NULL) != MOTE_OK)
        mote_custom_ops_destroy(&ops);
    return ops;
}
