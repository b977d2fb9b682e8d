/*
 * handle-probe FILE FOLDER: takes the handle of FILE, as an NFS server gives it to clients, and opens it through the file
 * system that FOLDER is on, as a server does for a client that has made up a handle of an export that he may use. Prints the
 * first line of what it has opened, or ends with the errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments) {
  union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } taken;
  char buffer[256];
  int mount, folder, file;
  ssize_t length;
  if (count != 3) return 255;
  taken.handle.handle_bytes = MAX_HANDLE_SZ;
  if (name_to_handle_at(AT_FDCWD, arguments[1], &taken.handle, &mount, 0)) return 254;
  folder = open(arguments[2], O_RDONLY | O_DIRECTORY);
  if (folder < 0) return 253;
  file = open_by_handle_at(folder, &taken.handle, O_RDONLY);
  if (file < 0) return errno;
  length = read(file, buffer, sizeof buffer);
  if (length < 0) return errno;
  fwrite(buffer, 1, (size_t)length, stdout);
  return 0;
}
