/*
 * banned.h - calls that cannot be used safely, refused by the compiler.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each name becomes an identifier that does not exist and says what to use.
 * The system headers that declare them are read first, so that the order of
 * includes in a file does not matter.
 */

#ifndef HOST_BASE_BANNED_H
#define HOST_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <alloca.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef stpcpy
#undef sprintf
#undef vsprintf
#undef strtok
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef gets
#undef alloca
#undef strdupa
#undef strndupa
#undef mktemp
#undef tmpnam

#define strcpy(...)	banned_strcpy_use_bh_buf_puts_or_snprintf
#define strcat(...)	banned_strcat_use_bh_buf_puts
#define strncpy(...)	banned_strncpy_use_snprintf
#define strncat(...)	banned_strncat_use_bh_buf_put
#define stpcpy(...)	banned_stpcpy_use_bh_buf_puts
#define sprintf(...)	banned_sprintf_use_snprintf_or_bh_buf_add
#define vsprintf(...)	banned_vsprintf_use_bh_buf_vadd
#define strtok(...)	banned_strtok_use_strcspn_or_strtok_r
#define gmtime(...)	banned_gmtime_use_gmtime_r
#define localtime(...)	banned_localtime_use_localtime_r
#define ctime(...)	banned_ctime_use_strftime
#define asctime(...)	banned_asctime_use_strftime
#define atoi(...)	banned_atoi_use_strtol_and_check
#define atol(...)	banned_atol_use_strtol_and_check
#define atoll(...)	banned_atoll_use_strtoll_and_check
#define atof(...)	banned_atof_use_strtod_and_check
#define gets(...)	banned_gets_use_fgets
#define alloca(...)	banned_alloca_use_xcalloc
#define strdupa(...)	banned_strdupa_use_xstrdup
#define strndupa(...)	banned_strndupa_use_xstrndup
#define mktemp(...)	banned_mktemp_use_mkstemp
#define tmpnam(...)	banned_tmpnam_use_mkstemp

#endif /* HOST_BASE_BANNED_H */
