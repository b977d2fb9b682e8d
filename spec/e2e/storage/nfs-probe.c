/*
 * One NFSv4 client, over libnfs, without a mount of the machine.
 *
 *   nfs-probe URL write FILE TEXT | read FILE | stat FILE | fill FILE BYTES | df | loop FILE
 *
 * URL: nfs://HOST/PATH?version=4&uid=N&gid=N. Prints JSON lines; `t` is the wall clock in milliseconds. `errno` is 0 or what
 * the operation failed with. `loop` makes FILE, and keeps it open: it writes records of a growing number one behind the other,
 * reads, and asks for the attributes, until its input ends. For every line of input it answers with what came of the
 * operations begun since the line before; each change of an operation from success to failure, or back, is a line too.
 * At most 3,072 bytes a write: libnfs 4.0 cannot encode more for NFSv4.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* needs what is above */
#include <nfsc/libnfs.h>

#define LARGEST 3072
#define RECORD 64

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* One line about one operation; libnfs has negative errors. */
static int tell(const char *event, int result) {
  printf("{\"event\":\"%s\",\"errno\":%d,\"t\":%.1f}\n", event, result < 0 ? -result : 0, now());
  fflush(stdout);
  return result < 0;
}

struct counts {
  long writes, reads, stats, failures;
  double longest; /* milliseconds of one operation */
};

static struct counts counts;
static int failing[3];

static void count(int kind, long *succeeded, double begun, int result) {
  static const char *const names[] = {"write", "read", "stat"};
  double took = now() - begun;
  if (took > counts.longest) counts.longest = took;
  if (result < 0) counts.failures++;
  else (*succeeded)++;
  if ((result < 0) != failing[kind]) {
    failing[kind] = result < 0;
    tell(names[kind], result);
  }
}

static void answer(const char *event, long records) {
  printf("{\"event\":\"%s\",\"writes\":%ld,\"reads\":%ld,\"stats\":%ld,\"failures\":%ld,\"longest\":%.1f,\"records\":%ld,\"t\":%.1f}\n", event,
         counts.writes, counts.reads, counts.stats, counts.failures, counts.longest, records, now());
  fflush(stdout);
  memset(&counts, 0, sizeof counts);
}

static int loop(struct nfs_context *nfs, const char *file) {
  struct nfsfh *handle;
  struct nfs_stat_64 attributes;
  char record[RECORD + 1], buffer[RECORD], input[256];
  long records = 0;
  double begun;
  int result = nfs_create(nfs, file, O_RDWR | O_CREAT, 0644, &handle);
  if (tell("open", result)) return 11;
  for (;;) {
    struct pollfd in = {0, POLLIN, 0};
    if (poll(&in, 1, 1) > 0) {
      ssize_t length = read(0, input, sizeof input);
      if (length <= 0) break;
      for (ssize_t each = 0; each < length; each++)
        if (input[each] == '\n') answer("mark", records);
    }
    snprintf(record, sizeof record, "%-*ld\n", RECORD - 1, records);
    begun = now();
    result = nfs_pwrite(nfs, handle, (uint64_t)records * RECORD, RECORD, record);
    if (result >= 0) records++;
    count(0, &counts.writes, begun, result);
    begun = now();
    count(1, &counts.reads, begun, nfs_pread(nfs, handle, 0, RECORD, buffer));
    begun = now();
    count(2, &counts.stats, begun, nfs_stat64(nfs, file, &attributes));
  }
  answer("end", records);
  return 0;
}

/* What the server has answered, `NFS4ERR_DQUOT`: libnfs has no errno for some. */
static const char *status(struct nfs_context *nfs) {
  static char found[64];
  const char *at = strstr(nfs_get_error(nfs), "NFS4ERR_");
  snprintf(found, sizeof found, "%.*s", at ? (int)strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") : 0, at ? at : "");
  return found;
}

static int fill(struct nfs_context *nfs, const char *file, long long wanted) {
  static char buffer[LARGEST];
  struct nfsfh *handle;
  long long done = 0;
  int result = nfs_create(nfs, file, O_RDWR | O_CREAT, 0644, &handle);
  if (tell("open", result)) return 11;
  memset(buffer, 'x', sizeof buffer);
  while (done < wanted && (result = nfs_pwrite(nfs, handle, done, sizeof buffer, buffer)) >= 0) done += result;
  if (result >= 0) result = nfs_fsync(nfs, handle);
  printf("{\"event\":\"fill\",\"errno\":%d,\"bytes\":%lld,\"text\":\"%s\",\"t\":%.1f}\n", result < 0 ? -result : 0, done,
         result < 0 ? status(nfs) : "", now());
  return result < 0 ? 12 : 0;
}

static int write_text(struct nfs_context *nfs, const char *file, const char *text) {
  struct nfsfh *handle;
  if (tell("open", nfs_create(nfs, file, O_RDWR | O_CREAT | O_TRUNC, 0644, &handle))) return 11;
  if (tell("write", nfs_write(nfs, handle, strlen(text), text))) return 12;
  return tell("close", nfs_close(nfs, handle)) ? 13 : 0;
}

static int read_text(struct nfs_context *nfs, const char *file) {
  char buffer[LARGEST + 1];
  struct nfsfh *handle;
  int length;
  if (tell("open", nfs_open(nfs, file, O_RDONLY, &handle))) return 11;
  length = nfs_read(nfs, handle, LARGEST, buffer);
  if (tell("read", length)) return 12;
  buffer[length] = 0;
  printf("{\"event\":\"text\",\"text\":\"%s\"}\n", buffer);
  return 0;
}

int main(int count_of_arguments, char **arguments) {
  struct nfs_context *nfs = nfs_init_context();
  struct nfs_url *url = count_of_arguments < 3 ? NULL : nfs_parse_url_dir(nfs, arguments[1]);
  const char *command = arguments[2], *file = count_of_arguments > 3 ? arguments[3] : "/", *more = count_of_arguments > 4 ? arguments[4] : "";
  if (!url) return 2;
  nfs_set_timeout(nfs, 10000);
  if (tell("mount", nfs_mount(nfs, url->server, url->path))) return 10;
  if (!strcmp(command, "loop")) return loop(nfs, file);
  if (!strcmp(command, "fill")) return fill(nfs, file, atoll(more));
  if (!strcmp(command, "write")) return write_text(nfs, file, more);
  if (!strcmp(command, "read")) return read_text(nfs, file);
  if (!strcmp(command, "stat")) {
    struct nfs_stat_64 attributes;
    if (tell("stat", nfs_stat64(nfs, file, &attributes))) return 14;
    printf("{\"event\":\"attributes\",\"bytes\":%llu,\"uid\":%llu}\n", (unsigned long long)attributes.nfs_size,
           (unsigned long long)attributes.nfs_uid);
    return 0;
  }
  if (!strcmp(command, "df")) {
    struct statvfs room;
    if (tell("statvfs", nfs_statvfs(nfs, "/", &room))) return 15;
    printf("{\"event\":\"df\",\"totalBytes\":%llu,\"freeBytes\":%llu}\n", (unsigned long long)room.f_blocks * room.f_bsize,
           (unsigned long long)room.f_bavail * room.f_bsize);
    return 0;
  }
  return 2;
}
