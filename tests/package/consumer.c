/* consumer.c - an application: the library's version, a pool, an error
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    mote_threadpool *pool;
    if (mote_threadpool_create(2, &pool) != MOTE_OK)
        return 1;
    mote_threadpool_destroy(&pool);
    if (mote_threadpool_create(1000000, &pool) != MOTE_E_ARGUMENT)
        return 1;
    printf("mote %s, %s\n", mote_version(), mote_dtype_name(MOTE_DTYPE_F32));
    return strcmp(mote_status_string(MOTE_E_MODEL), "invalid model");
}
