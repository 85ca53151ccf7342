/* classify.c - a picture classifier: prints the five best classes of a photo
 * SPDX-License-Identifier: Apache-2.0
 *
 *     classify efficientnet-lite0.onnx examples/prep/efficientnet-lite0.json photo.ppm
 *
 * A phone hands pixels over in memory; here a binary PPM (P6) file stands for them. */
#include <mote/mote_prep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text = f != NULL ? malloc(64 << 20) : NULL;
    *n = text != NULL ? fread(text, 1, 64 << 20, f) : 0;
    if (f != NULL)
        fclose(f);
    return text;
}

/* The pixels in `file`, which is kept. */
static int find_pixels(const char *file, size_t n, mote_image *image)
{
    int width, height, most, head = 0;
    if (n < 16 || sscanf(file, "P6 %5d %5d %3d%n", &width, &height, &most, &head) != 3 || most != 255 || width < 1 || height < 1)
        return 0;
    image->format = MOTE_IMAGE_RGB8;
    image->width = width;
    image->height = height;
    image->planes[0] = (const uint8_t *)file + head + 1;
    image->stride_bytes[0] = (size_t)width * 3;
    return (size_t)head + 1 + (size_t)width * 3 * (size_t)height <= n;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "classify: %s: %s\n", what, why);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "usage: classify model.onnx prep.json photo.ppm\n"), 2;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_model *model;
    mote_session *session;
    if (mote_model_load_path(argv[1], NULL, &model, &diag) || mote_session_create(model, NULL, &session, &diag))
        return fail(argv[1], diag.message);

    size_t n, prep_bytes;
    mote_prep *prep;
    char *json = read_file(argv[2], &prep_bytes);
    if (json == NULL || mote_prep_create(model, json, prep_bytes, NULL, &prep, &diag))
        return fail(argv[2], json == NULL ? "cannot be read" : diag.message);
    mote_image photo = MOTE_IMAGE_INIT;
    char *file = read_file(argv[3], &n);
    if (file == NULL || !find_pixels(file, n, &photo))
        return fail(argv[3], "not a binary PPM of 8 bits");

    mote_class best[5];
    if (mote_prep_image(prep, session, NULL, &photo, NULL, &diag) || mote_session_run(session, NULL, &diag) ||
        mote_prep_classify(prep, session, best, 5, &n, &diag))
        return fail(argv[3], diag.message);
    for (size_t i = 0; i < n; i++)
        printf("%.4f  %lld  %s\n", (double)best[i].score, (long long)best[i].index, best[i].label != NULL ? best[i].label : "");
    free(file);
    free(json);
    mote_prep_destroy(&prep);
    mote_session_destroy(&session);
    mote_model_destroy(&model);
    return 0;
}
