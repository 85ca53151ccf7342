/* check.c - a description against the model that it goes with, and ONNX's Image.* metadata
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnx/docs/MetadataProps.md. */
#include "base/platform.h"
#include "base/size.h"
#include "pipeline/prep/prep.h"
#include <math.h>
#include <string.h>

static mote_status input_info(const mote_prep *p, const char *name, mote_value_info *info, mote_diag *diag)
{
    size_t i = mote_model_input_index(p->model, name);
    MOTE_REQUIRE(i != SIZE_MAX, diag, MOTE_E_VALUE, "preprocessing: inputs.%s: the model has no such input", name);
    return mote_model_input_info(p->model, i, info);
}

static mote_status output_info(const mote_prep *p, const char *field, const char *name, mote_value_info *info, mote_diag *diag)
{
    size_t i = mote_model_output_index(p->model, name);
    MOTE_REQUIRE(i != SIZE_MAX, diag, MOTE_E_VALUE, "preprocessing: %s is \"%s\": the model has no such output", field, name);
    return mote_model_output_info(p->model, i, info);
}

static bool fits(int64_t declared, int64_t made) { return declared < 0 || made < 0 || declared == made; }

/* Sides of the tensor where they do not depend on the picture, else -1. */
static void image_sides(const mote_image_prep *i, int64_t *width, int64_t *height)
{
    const bool fixed = i->fit == MOTE_FIT_EXACT || i->fit == MOTE_FIT_LETTERBOX;
    *width = i->crop_width > 0 ? i->crop_width : !fixed ? -1 : i->pad_width > i->width ? i->pad_width : i->width;
    *height = i->crop_height > 0 ? i->crop_height : !fixed ? -1 : i->pad_height > i->height ? i->pad_height : i->height;
}

static mote_status check_image(const mote_prep_input *in, const mote_value_info *info, mote_diag *diag)
{
    const bool plain = !in->image.rescale && !in->image.normalize;
    MOTE_REQUIRE(info->dtype == MOTE_DTYPE_F32 || info->dtype == MOTE_DTYPE_F16 || info->dtype == MOTE_DTYPE_BF16 || (info->dtype == MOTE_DTYPE_U8 && plain),
                 diag, MOTE_E_DTYPE, "preprocessing: inputs.%s: the model takes %s, and the description makes floats%s", in->name, mote_dtype_name(info->dtype),
                 plain ? " or uint8" : "");
    MOTE_REQUIRE(info->rank == 4 || info->rank == 3, diag, MOTE_E_SHAPE, "preprocessing: inputs.%s: the model's input has rank %d, an image has 4 or 3", in->name,
                 (int)info->rank);
    const int64_t *d = info->shape + info->rank - 3, channels = in->image.channels == MOTE_CHANNELS_GRAY ? 1 : 3;
    const bool last = in->image.layout == MOTE_LAYOUT_NHWC;
    int64_t width, height;
    image_sides(&in->image, &width, &height);
    const int64_t want[3] = {last ? height : channels, last ? width : height, last ? channels : width};
    MOTE_REQUIRE(fits(d[0], want[0]) && fits(d[1], want[1]) && fits(d[2], want[2]), diag, MOTE_E_SHAPE,
                 "preprocessing: inputs.%s: the model takes [%lld,%lld,%lld] without the batch, the description makes [%lld,%lld,%lld] (-1: any)", in->name,
                 (long long)d[0], (long long)d[1], (long long)d[2], (long long)want[0], (long long)want[1], (long long)want[2]);
    return MOTE_OK;
}

static mote_status check_state(const mote_prep *p, const mote_prep_input *in, const mote_value_info *info, mote_diag *diag)
{
    mote_value_info out = MOTE_VALUE_INFO_INIT;
    MOTE_TRY(output_info(p, in->name, in->state_output, &out, diag));
    MOTE_REQUIRE(out.dtype == info->dtype, diag, MOTE_E_DTYPE, "preprocessing: inputs.%s takes %s, its output '%s' gives %s", in->name,
                 mote_dtype_name(info->dtype), in->state_output, mote_dtype_name(out.dtype));
    return MOTE_OK;
}

static mote_status check_input(const mote_prep *p, const mote_prep_input *in, mote_diag *diag)
{
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    MOTE_TRY(input_info(p, in->name, &info, diag));
    const bool integer = info.dtype == MOTE_DTYPE_S64 || info.dtype == MOTE_DTYPE_S32;
    switch (in->kind) {
    case MOTE_PREP_IMAGE: return check_image(in, &info, diag);
    case MOTE_PREP_STATE: return check_state(p, in, &info, diag);
    case MOTE_PREP_TEXT:
        MOTE_REQUIRE(integer && info.rank == 2, diag, integer ? MOTE_E_SHAPE : MOTE_E_DTYPE,
                     "preprocessing: inputs.%s: the model takes %s of rank %d, a text gives int64 or int32 of rank 2", in->name, mote_dtype_name(info.dtype),
                     (int)info.rank);
        return MOTE_OK;
    case MOTE_PREP_RATE:
        MOTE_REQUIRE(integer, diag, MOTE_E_DTYPE, "preprocessing: inputs.%s: the model takes %s, a sample rate is int64 or int32", in->name,
                     mote_dtype_name(info.dtype));
        return MOTE_OK;
    case MOTE_PREP_AUDIO:
        MOTE_REQUIRE(info.dtype == MOTE_DTYPE_F32 && info.rank >= 1, diag, MOTE_E_DTYPE, "preprocessing: inputs.%s: the model takes %s of rank %d, sound gives float32",
                     in->name, mote_dtype_name(info.dtype), (int)info.rank);
        return MOTE_OK;
    default: return MOTE_OK;
    }
}

/* -1 where the model leaves it open. A classifier's are all dimensions behind the batch ([1,C,1,1], too), others' the last one. */
static int64_t class_count(const mote_value_info *info, mote_prep_task task)
{
    int64_t n = 1;
    if (info->rank <= 0)
        return -1;
    if (task != MOTE_TASK_CLASSIFY || info->rank == 1)
        return info->shape[info->rank - 1];
    for (int32_t d = 1; d < info->rank; d++)
        if (info->shape[d] < 0 || !mote_i64_mul(n, info->shape[d], &n))
            return -1;
    return n;
}

static mote_status check_output(const mote_prep *p, mote_diag *diag)
{
    const mote_prep_output *o = &p->output;
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    if (o->task == MOTE_TASK_NONE)
        return MOTE_OK;
    MOTE_TRY(output_info(p, "output.output", o->output, &info, diag));
    MOTE_REQUIRE(info.dtype == MOTE_DTYPE_F32 || info.dtype == MOTE_DTYPE_F16 || info.dtype == MOTE_DTYPE_BF16, diag, MOTE_E_DTYPE,
                 "preprocessing: output '%s' is %s, expected a float type", o->output, mote_dtype_name(info.dtype));
    const int64_t classes = class_count(&info, o->task), named = (int64_t)o->n_labels + o->label_offset;
    MOTE_REQUIRE(o->labels == NULL || o->task > MOTE_TASK_TAG || fits(classes, named), diag, MOTE_E_SHAPE,
                 "preprocessing: output.labels has %zu names and label_offset is %d: output '%s' has %lld classes", o->n_labels, (int)o->label_offset, o->output,
                 (long long)classes);
    if (o->task == MOTE_TASK_DETECT) {
        mote_value_info boxes = MOTE_VALUE_INFO_INIT;
        MOTE_TRY(output_info(p, "output.boxes", o->boxes, &boxes, diag));
        MOTE_REQUIRE(boxes.rank < 1 || fits(boxes.shape[boxes.rank - 1], 4), diag, MOTE_E_SHAPE, "preprocessing: output '%s' has rows of %lld, a box has 4 numbers",
                     o->boxes, (long long)boxes.shape[boxes.rank - 1]);
    }
    return MOTE_OK;
}

mote_status mote_prep_check_model(const mote_prep *p, mote_diag *diag)
{
    for (size_t i = 0; i < p->n_inputs; i++)
        MOTE_TRY(check_input(p, &p->inputs[i], diag));
    return check_output(p, diag);
}

/* ---- Image.* keys ---- */

static const struct { const char *name; mote_image_channels channels; } pixel_formats[] = {
    {"Gray8", MOTE_CHANNELS_GRAY}, {"Rgb8", MOTE_CHANNELS_RGB}, {"Bgr8", MOTE_CHANNELS_BGR}};
static const struct { const char *name; double low, high; } pixel_ranges[] = {
    {"NominalRange_0_255", 0, 255}, {"Normalized_0_1", 0, 1}, {"Normalized_1_1", -1, 1}, {"NominalRange_16_235", 16, 235}};

void mote_prep_image_range(const mote_image_prep *p, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t c = 0; c < (p->channels == MOTE_CHANNELS_GRAY ? 1u : 3u); c++)
        for (int x = 0; x <= 255; x += 255) {
            double v = p->rescale ? x * p->rescale_factor : x;
            if (p->normalize)
                v = (v - p->mean[c]) / p->std[c];
            *low = fmin(*low, v);
            *high = fmax(*high, v);
        }
}

mote_status mote_prep_from_image_keys(mote_prep *p, bool *found, mote_diag *diag)
{
    const char *format = mote_model_metadata(p->model, "Image.BitmapPixelFormat"), *range = mote_model_metadata(p->model, "Image.NominalPixelRange");
    *found = format != NULL;
    if (!*found)
        return MOTE_OK;
    mote_value_info info = MOTE_VALUE_INFO_INIT;
    size_t at = SIZE_MAX, f = 0, r = 0;
    for (size_t i = 0; i < mote_model_input_count(p->model) && at == SIZE_MAX; i++) {
        MOTE_TRY(mote_model_input_info(p->model, i, &info));
        at = info.rank == 4 && !info.optional ? i : SIZE_MAX;
    }
    while (f < sizeof pixel_formats / sizeof *pixel_formats && strcmp(pixel_formats[f].name, format) != 0)
        f++;
    while (range != NULL && r < sizeof pixel_ranges / sizeof *pixel_ranges && strcmp(pixel_ranges[r].name, range) != 0)
        r++;
    MOTE_REQUIRE(f < sizeof pixel_formats / sizeof *pixel_formats, diag, MOTE_E_UNSUPPORTED, "metadata Image.BitmapPixelFormat is %.40s, expected Gray8, Rgb8 or Bgr8", format);
    MOTE_REQUIRE(r < 3, diag, MOTE_E_UNSUPPORTED, "metadata Image.NominalPixelRange is %.40s, expected NominalRange_0_255, Normalized_0_1 or Normalized_1_1", range);
    MOTE_REQUIRE(at != SIZE_MAX && info.shape[2] > 0 && info.shape[3] > 0 && info.shape[2] <= MOTE_IMAGE_MAX_SIDE && info.shape[3] <= MOTE_IMAGE_MAX_SIDE, diag,
                 MOTE_E_SHAPE, "metadata has Image.* keys, and the model no input [n,c,h,w] of fixed height and width");
    p->inputs = mote_arena_calloc(&p->arena, 1, sizeof *p->inputs);
    if (p->inputs == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *p->inputs);
    mote_prep_input *in = &p->inputs[p->n_inputs++];
    *in = (mote_prep_input){.name = info.name, .kind = MOTE_PREP_IMAGE, .image = MOTE_IMAGE_PREP_INIT, .frames = MOTE_FRAMES_OPTIONS_INIT};
    in->image.fit = MOTE_FIT_EXACT;
    in->image.width = (int32_t)info.shape[3];
    in->image.height = (int32_t)info.shape[2];
    in->image.channels = pixel_formats[f].channels;
    in->image.rescale = r == 1;
    in->image.rescale_factor = 1.0 / 255;
    in->image.normalize = r == 2;
    for (size_t c = 0; c < 3 && r == 2; c++)
        in->image.mean[c] = in->image.std[c] = 127.5;
    p->output = (mote_prep_output){.background = -1, .max_boxes = 100, .speech = MOTE_SPEECH_OPTIONS_INIT};
    return MOTE_OK;
}

void mote_prep_compare_image_keys(const mote_prep *p)
{
    const char *format = mote_model_metadata(p->model, "Image.BitmapPixelFormat"), *range = mote_model_metadata(p->model, "Image.NominalPixelRange");
    const mote_prep_input *in = mote_prep_input_find(p, NULL, MOTE_PREP_IMAGE);
    if (in == NULL)
        return;
    for (size_t i = 0; format != NULL && i < sizeof pixel_formats / sizeof *pixel_formats; i++)
        if (strcmp(pixel_formats[i].name, format) == 0 && pixel_formats[i].channels != in->image.channels)
            mote_prep_warn(p, "metadata Image.BitmapPixelFormat is %s; the preprocessing's inputs.%s.channels says otherwise, and holds", format, in->name);
    double low, high;
    mote_prep_image_range(&in->image, &low, &high);
    for (size_t i = 0; range != NULL && i < sizeof pixel_ranges / sizeof *pixel_ranges; i++)
        if (strcmp(pixel_ranges[i].name, range) == 0 && (fabs(low - pixel_ranges[i].low) > 0.02 * (high - low) || fabs(high - pixel_ranges[i].high) > 0.02 * (high - low)))
            mote_prep_warn(p, "metadata Image.NominalPixelRange is %s; the preprocessing of inputs.%s gives %.4g to %.4g, and holds", range, in->name, low, high);
}
