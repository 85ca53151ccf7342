/* draw.c - outlines of boxes on a picture
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "draw.h"

static size_t place(float x, size_t side)
{
    return !(x > 0) ? 0 : x >= (float)side ? side : (size_t)x;
}

static void fill(picture *p, size_t x0, size_t y0, size_t x1, size_t y1, const uint8_t colour[3])
{
    for (size_t y = y0; y < y1 && y < p->height; y++)
        for (size_t x = x0; x < x1 && x < p->width; x++)
            for (size_t c = 0; c < 3; c++)
                p->rgb[(y * p->width + x) * 3 + c] = colour[c];
}

void draw_box(picture *p, const mote_box *box)
{
    static const uint8_t colours[8][3] = {{0, 230, 60}, {255, 60, 40}, {40, 120, 255}, {255, 200, 0}, {220, 60, 220}, {0, 220, 220}, {255, 130, 0}, {255, 255, 255}};
    const uint8_t *colour = colours[(uint32_t)box->index % 8];
    const size_t least = p->width < p->height ? p->width : p->height, thick = least / 200 < 2 ? 2 : least / 200;
    const size_t x0 = place(box->x0, p->width), y0 = place(box->y0, p->height), x1 = place(box->x1, p->width), y1 = place(box->y1, p->height);
    const size_t right = x1 > x0 + thick ? x1 - thick : x0, low = y1 > y0 + thick ? y1 - thick : y0;
    fill(p, x0, y0, x1, y0 + thick, colour);
    fill(p, x0, low, x1, y1, colour);
    fill(p, x0, y0, x0 + thick, y1, colour);
    fill(p, right, y0, x1, y1, colour);
}
