/* ranking_svg.c - a picture of what each layer costs: bars of noise to signal, in dB
 * SPDX-License-Identifier: Apache-2.0
 *
 * One file without scripts or references, so that it can stand in a page. Names come from a model: they are escaped, and what is not printable becomes '?'. */
#include "base/platform.h"
#include "files.h"
#include "ranking.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROW = 14, NAMES = 260, BARS = 640, HEAD = 64, DB = 120 };
static const char *const colours[RANKING_PRECISIONS] = {"#c0392b", "#2471a3", "#d68910", "#1e8449", "#7d3c98", "#566573"};

static void put_text(FILE *f, const char *s, size_t most)
{
    size_t n = 0;
    for (; *s != 0 && n < most; s++, n++) {
        const unsigned char c = (unsigned char)*s;
        switch (c) {
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '&': fputs("&amp;", f); break;
        case '"': fputs("&quot;", f); break;
        case '\'': fputs("&#39;", f); break;
        default: fputc(c >= 0x20 && c < 0x7f ? c : '?', f); break;
        }
    }
    if (*s != 0)
        fputs("...", f);
}

/* A bar from -120 dB of noise, left, to 0 dB and more, right. */
static double length_of(const ranking_entry *e)
{
    const double db = e->result.ratio > 0 ? 10 * log10(e->result.ratio) : -DB;
    return !(db < 0) ? BARS : db < -DB ? 0 : (db + DB) * BARS / DB;
}

static void put_layer(FILE *f, const ranking *k, size_t layer, double y)
{
    const mote_quantized_layer *l = &k->layers[layer];
    const double height = (double)(ROW - 3) / (double)k->n_precisions;
    fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", NAMES - 6, y + ROW - 4);
    put_text(f, l->node, 34);
    fputs("</text>\n", f);
    for (size_t p = 0; p < k->n_precisions; p++) {
        const ranking_entry *e = &k->in[layer * k->n_precisions + p];
        if (!e->done)
            continue;
        fprintf(f, "<rect x=\"%d\" y=\"%.2f\" width=\"%.1f\" height=\"%.2f\" fill=\"%s\"><title>", NAMES, y + (double)p * height, length_of(e), height, colours[p]);
        put_text(f, l->node, 200);
        fprintf(f, " (%s), %s: SQNR %.1f dB, KL %.3g</title></rect>\n", l->op, k->precisions[p], mote_divergence_sqnr_db(&e->result.all), mote_divergence_kl(&e->result.all));
    }
}

static void put_all(FILE *f, const ranking *k, const char *model)
{
    const double height = HEAD + (double)k->n_layers * ROW + 20;
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" font-family=\"sans-serif\" font-size=\"10\">\n", NAMES + BARS + 20, height);
    fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"8\" y=\"16\" font-size=\"13\">");
    put_text(f, model, 100);
    fprintf(f, ": noise of the outputs, one layer at a time, %zu samples</text>\n", k->samples);
    for (size_t p = 0; p < k->n_precisions; p++)
        fprintf(f, "<rect x=\"%zu\" y=\"24\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%zu\" y=\"33\">%s (all layers: %.1f dB)</text>\n", 8 + p * 190, colours[p], 22 + p * 190,
                k->precisions[p], mote_divergence_sqnr_db(&k->all[p].result.all));
    for (int db = 0; db <= DB; db += 20)
        fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%.0f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%d dB</text>\n", NAMES + BARS * db / DB,
                NAMES + BARS * db / DB, HEAD - 8, height - 12, NAMES + BARS * db / DB, HEAD - 12, db - DB);
    for (size_t i = 0; i < k->n_layers; i++)
        put_layer(f, k, k->order[i], HEAD + (double)i * ROW);
    fputs("</svg>\n", f);
}

mote_status ranking_svg(const ranking *k, const char *model, const char *path, bool overwrite, mote_diag *diag)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (f == NULL)
        return MOTE_NO_MEMORY(diag, 1);
    put_all(f, k, model);
    mote_status status = fclose(f) == 0 ? file_write(path, text, n, overwrite, diag) : MOTE_NO_MEMORY(diag, n);
    free(text);
    return status;
}
