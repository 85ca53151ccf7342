/* resize.c - resampling of 8-bit pixels with Pillow's bits
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/image/resize.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

enum {
    FRACTION_BITS = 32 - 8 - 2, /* of a weight: 8 bits of pixel, a sign and a bit for filters that overshoot stay free */
    BLOCK = 512                 /* bytes of a row that the vertical pass sums at a time */
};

/* ---- filters: Pillow's ImagingResample ----------------------------------------------------------------------------- */

/* Taylor series for |x| <= 1/4. */
static double sin_quarter(double x)
{
    double t = x * 3.14159265358979323846, t2 = t * t, sum = 0;
    static const double c[] = {1.0 / 355687428096000.0, -1.0 / 1307674368000.0, 1.0 / 6227020800.0, -1.0 / 39916800.0,
                               1.0 / 362880.0,          -1.0 / 5040.0,          1.0 / 120.0,        -1.0 / 6.0};
    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
        sum = (sum + c[i]) * t2;
    return t + t * sum;
}

static double cos_quarter(double x)
{
    double t = x * 3.14159265358979323846, t2 = t * t, sum = 0;
    static const double c[] = {1.0 / 20922789888000.0, -1.0 / 87178291200.0, 1.0 / 479001600.0, -1.0 / 3628800.0,
                               1.0 / 40320.0,          -1.0 / 720.0,         1.0 / 24.0,        -1.0 / 2.0};
    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
        sum = (sum + c[i]) * t2;
    return 1.0 + sum;
}

double mote_sinpi(double x)
{
    const double q = floor(x * 2 + 0.5);
    const double r = x - q * 0.5; /* exact */
    switch ((int)q & 3) {
    case 0: return sin_quarter(r);
    case 1: return cos_quarter(r);
    case 2: return -sin_quarter(r);
    default: return -cos_quarter(r);
    }
}

double mote_cospi(double x) { return mote_sinpi(x + 0.5); }

static double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double hamming(double x)
{
    x = fabs(x);
    if (x == 0.0)
        return 1.0;
    if (x >= 1.0)
        return 0.0;
    return mote_sinpi(x) / (x * 3.14159265358979323846) * (0.54f + 0.46f * mote_cospi(x));
}

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static double sinc(double x) { return x == 0.0 ? 1.0 : mote_sinpi(x) / (x * 3.14159265358979323846); }

static double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

static const struct {
    double (*f)(double x);
    double support;
} filters[] = {
    [MOTE_RESAMPLE_LANCZOS] = {lanczos, 3.0}, [MOTE_RESAMPLE_BILINEAR] = {bilinear, 1.0}, [MOTE_RESAMPLE_BICUBIC] = {bicubic, 2.0},
    [MOTE_RESAMPLE_BOX] = {box, 0.5},         [MOTE_RESAMPLE_HAMMING] = {hamming, 1.0},
};

/* ---- weights of one axis ---------------------------------------------------------------------------------------------- */

typedef struct span {
    int32_t first, count; /* the inputs that output i sums; their weights are at i*taps */
} span;

typedef struct axis {
    span *spans;
    int32_t *weights;
    double *scratch; /* `taps` weights of one output before rounding */
    size_t out, taps;
} axis;

static void axis_deinit(axis *a, mote_heap *heap)
{
    mote_heap_free(heap, a->spans, a->out * sizeof(span));
    mote_heap_free(heap, a->weights, a->out * a->taps * sizeof(int32_t));
    mote_heap_free(heap, a->scratch, a->taps * sizeof(double));
}

static mote_status axis_init(axis *a, int32_t in, int32_t out, mote_resample resample, mote_heap *heap, mote_diag *diag)
{
    const double scale = (double)in / out, stretch = scale < 1.0 ? 1.0 : scale;
    const double support = filters[resample].support * stretch, shrink = 1.0 / stretch;
    a->out = (size_t)out;
    a->taps = (size_t)ceil(support) * 2 + 1;
    a->spans = mote_heap_calloc(heap, a->out, sizeof(span));
    a->weights = mote_heap_calloc(heap, a->out, a->taps * sizeof(int32_t));
    a->scratch = mote_heap_calloc(heap, a->taps, sizeof(double));
    if (a->spans == NULL || a->weights == NULL || a->scratch == NULL)
        return MOTE_NO_MEMORY(diag, a->out * (sizeof(span) + a->taps * sizeof(int32_t)));
    for (int32_t i = 0; i < out; i++) {
        const double center = (i + 0.5) * scale;
        int32_t first = (int32_t)(center - support + 0.5), last = (int32_t)(center + support + 0.5);
        first = first < 0 ? 0 : first;
        last = last > in ? in : last;
        int32_t *w = a->weights + (size_t)i * a->taps;
        double sum = 0;
        for (int32_t x = first; x < last; x++) {
            const double f = filters[resample].f((x - center + 0.5) * shrink);
            a->scratch[x - first] = f;
            sum += f;
        }
        for (int32_t x = 0; x < last - first; x++) {
            const double f = (sum != 0.0 ? a->scratch[x] / sum : a->scratch[x]) * (1 << FRACTION_BITS);
            w[x] = (int32_t)(f < 0 ? f - 0.5 : f + 0.5);
        }
        a->spans[i] = (span){first, last - first};
    }
    return MOTE_OK;
}

MOTE_INLINE uint8_t round_clip(int32_t sum)
{
    sum >>= FRACTION_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* ---- passes ------------------------------------------------------------------------------------------------------------ */

MOTE_INLINE void horizontal_row(const axis *a, const uint8_t *in, uint8_t *out, size_t channels)
{
    for (size_t i = 0; i < a->out; i++) {
        const int32_t *w = a->weights + i * a->taps;
        const uint8_t *p = in + (size_t)a->spans[i].first * channels;
        int32_t sum[4] = {1 << (FRACTION_BITS - 1), 1 << (FRACTION_BITS - 1), 1 << (FRACTION_BITS - 1), 1 << (FRACTION_BITS - 1)};
        for (int32_t x = 0; x < a->spans[i].count; x++, p += channels)
            for (size_t c = 0; c < channels; c++)
                sum[c] += p[c] * w[x];
        for (size_t c = 0; c < channels; c++)
            out[i * channels + c] = round_clip(sum[c]);
    }
}

static void horizontal(const axis *a, const uint8_t *in, size_t in_stride, uint8_t *out, size_t out_stride, int32_t rows, int32_t channels)
{
    for (int32_t y = 0; y < rows; y++, in += in_stride, out += out_stride)
        switch (channels) {
        case 1: horizontal_row(a, in, out, 1); break;
        case 3: horizontal_row(a, in, out, 3); break;
        case 4: horizontal_row(a, in, out, 4); break;
        default: horizontal_row(a, in, out, (size_t)channels); break;
        }
}

static void vertical(const axis *a, const uint8_t *in, size_t in_stride, uint8_t *out, size_t out_stride, size_t row_bytes)
{
    int32_t sum[BLOCK];
    for (size_t i = 0; i < a->out; i++, out += out_stride) {
        const int32_t *w = a->weights + i * a->taps;
        const uint8_t *top = in + (size_t)a->spans[i].first * in_stride;
        for (size_t b = 0; b < row_bytes; b += BLOCK) {
            const size_t n = mote_min_size(row_bytes - b, BLOCK);
            for (size_t x = 0; x < n; x++)
                sum[x] = 1 << (FRACTION_BITS - 1);
            for (int32_t y = 0; y < a->spans[i].count; y++) {
                const uint8_t *p = top + (size_t)y * in_stride + b;
                const int32_t weight = w[y];
                for (size_t x = 0; x < n; x++)
                    sum[x] += p[x] * weight;
            }
            for (size_t x = 0; x < n; x++)
                out[b + x] = round_clip(sum[x]);
        }
    }
}

/* The input that output i takes: Pillow's affine transform sums the position up, so its rounding errors are part of the result. */
static mote_status nearest(const mote_resize *r, mote_heap *heap, mote_diag *diag)
{
    const size_t n = (size_t)r->out_width, c = (size_t)r->channels;
    int32_t *columns = mote_heap_calloc(heap, n, sizeof(int32_t));
    if (columns == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof(int32_t));
    const double dx = (double)r->in_width / r->out_width, dy = (double)r->in_height / r->out_height;
    double at = dx * 0.5;
    for (size_t x = 0; x < n; x++, at += dx)
        columns[x] = (int32_t)at < r->in_width ? (int32_t)at : -1;
    at = dy * 0.5;
    for (int32_t y = 0; y < r->out_height; y++, at += dy) {
        uint8_t *out = r->out + (size_t)y * r->out_stride;
        memset(out, 0, n * c);
        if ((int32_t)at >= r->in_height)
            continue;
        const uint8_t *in = r->in + (size_t)(int32_t)at * r->in_stride;
        for (size_t x = 0; x < n; x++)
            if (columns[x] >= 0)
                for (size_t k = 0; k < c; k++)
                    out[x * c + k] = in[(size_t)columns[x] * c + k];
    }
    mote_heap_free(heap, columns, n * sizeof(int32_t));
    return MOTE_OK;
}

/* Pillow 13: the height loses more than twice as many rows as the width loses columns (which may be negative). */
static bool vertical_first(const mote_resize *r)
{
    return r->reference == MOTE_RESIZE_PILLOW13 && r->out_height < r->in_height && r->in_height - r->out_height > 2 * (r->in_width - r->out_width);
}

mote_status mote_resize_run(const mote_resize *r, mote_heap *heap, mote_diag *diag)
{
    MOTE_REQUIRE(r->channels >= 1 && r->channels <= 4, diag, MOTE_E_ARGUMENT, "resize of %d channels, expected 1 to 4", (int)r->channels);
    MOTE_REQUIRE(r->in_width > 0 && r->in_height > 0 && r->out_width > 0 && r->out_height > 0, diag, MOTE_E_ARGUMENT,
                 "resize of %dx%d to %dx%d: sides are positive", (int)r->in_width, (int)r->in_height, (int)r->out_width, (int)r->out_height);
    MOTE_REQUIRE(r->in_width <= MOTE_IMAGE_MAX_SIDE && r->in_height <= MOTE_IMAGE_MAX_SIDE && r->out_width <= MOTE_IMAGE_MAX_SIDE &&
                     r->out_height <= MOTE_IMAGE_MAX_SIDE,
                 diag, MOTE_E_LIMIT, "resize of %dx%d to %dx%d: sides are at most %d", (int)r->in_width, (int)r->in_height, (int)r->out_width,
                 (int)r->out_height, MOTE_IMAGE_MAX_SIDE);
    MOTE_REQUIRE((unsigned)r->resample <= MOTE_RESAMPLE_HAMMING, diag, MOTE_E_ARGUMENT, "resample is %d, expected 0 to 5", (int)r->resample);
    const size_t in_row = (size_t)r->in_width * (size_t)r->channels, out_row = (size_t)r->out_width * (size_t)r->channels;
    MOTE_REQUIRE(r->in_stride >= in_row && r->out_stride >= out_row, diag, MOTE_E_ARGUMENT,
                 "row strides of %zu and %zu bytes are shorter than rows of %zu and %zu", r->in_stride, r->out_stride, in_row, out_row);
    if (r->in_width == r->out_width && r->in_height == r->out_height) {
        for (size_t y = 0; y < (size_t)r->in_height; y++)
            memcpy(r->out + y * r->out_stride, r->in + y * r->in_stride, in_row);
        return MOTE_OK;
    }
    if (r->resample == MOTE_RESAMPLE_NEAREST)
        return nearest(r, heap, diag);

    const bool down_first = vertical_first(r), across = r->in_width != r->out_width, down = r->in_height != r->out_height;
    axis h = {0}, v = {0};
    uint8_t *middle = NULL;
    size_t middle_row = down_first ? in_row : out_row, middle_bytes = 0;
    mote_status status = MOTE_OK;
    if (across)
        status = axis_init(&h, r->in_width, r->out_width, r->resample, heap, diag);
    if (status == MOTE_OK && down)
        status = axis_init(&v, r->in_height, r->out_height, r->resample, heap, diag);
    if (status == MOTE_OK && across && down) {
        if (mote_size_mul(middle_row, (size_t)(down_first ? r->out_height : r->in_height), &middle_bytes))
            middle = mote_heap_alloc(heap, middle_bytes);
        if (middle == NULL)
            status = MOTE_NO_MEMORY(diag, middle_bytes);
    }
    if (status == MOTE_OK) {
        if (!down) {
            horizontal(&h, r->in, r->in_stride, r->out, r->out_stride, r->out_height, r->channels);
        } else if (!across) {
            vertical(&v, r->in, r->in_stride, r->out, r->out_stride, out_row);
        } else if (down_first) {
            vertical(&v, r->in, r->in_stride, middle, middle_row, in_row);
            horizontal(&h, middle, middle_row, r->out, r->out_stride, r->out_height, r->channels);
        } else {
            horizontal(&h, r->in, r->in_stride, middle, middle_row, r->in_height, r->channels);
            vertical(&v, middle, middle_row, r->out, r->out_stride, out_row);
        }
    }
    mote_heap_free(heap, middle, middle_bytes);
    axis_deinit(&v, heap);
    axis_deinit(&h, heap);
    return status;
}

mote_status mote_image_resize(const mote_image *source, int32_t out_width, int32_t out_height, mote_resample resample,
                              mote_resize_reference reference, uint8_t *pixels, size_t stride_bytes, const mote_allocator *allocator,
                              mote_diag *diag)
{
    MOTE_REQUIRE(source != NULL && source->struct_size >= sizeof(mote_image) && source->planes[0] != NULL && pixels != NULL, diag,
                 MOTE_E_ARGUMENT, "resize needs an image and memory for the result");
    MOTE_REQUIRE(source->format >= MOTE_IMAGE_RGB8 && source->format <= MOTE_IMAGE_GRAY8, diag, MOTE_E_UNSUPPORTED,
                 "resize of image format %d, expected RGB8, BGR8, RGBA8, BGRA8 or GRAY8", (int)source->format);
    MOTE_REQUIRE((unsigned)reference <= MOTE_RESIZE_PILLOW13, diag, MOTE_E_ARGUMENT, "resize reference is %d, expected 0 or 1", (int)reference);
    const int32_t channels = source->format == MOTE_IMAGE_GRAY8 ? 1 : source->format <= MOTE_IMAGE_BGR8 ? 3 : 4;
    const mote_resize r = {.in = source->planes[0], .in_stride = source->stride_bytes[0], .in_width = source->width, .in_height = source->height,
                           .out = pixels, .out_stride = stride_bytes, .out_width = out_width, .out_height = out_height, .channels = channels,
                           .resample = resample, .reference = reference};
    mote_heap heap;
    mote_heap_init(&heap, allocator, 0);
    return mote_resize_run(&r, &heap, diag);
}
