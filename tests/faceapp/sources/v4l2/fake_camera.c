/* A camera for OpenCV's V4L2 back end, without a kernel module: loaded before the C library, it answers for /dev/video7.
 *
 * The file named by FAKE_CAMERA_STATE says what the camera does: r runs, b is in use by another program, h hangs, u is unplugged.
 * The file named by FAKE_CAMERA_JPEG is the picture that it sends as MJPG; as YUYV it sends one gray, brighter with every frame.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEVICE "/dev/video7"
#define BUFFERS 4
#define LARGEST (1280 * 720 * 2)

static int camera = -1, next_buffer, frames;
static struct v4l2_pix_format format = {.width = 640, .height = 480, .pixelformat = V4L2_PIX_FMT_YUYV};
static unsigned char picture[LARGEST];

static char state(void) {
    int file = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAKE_CAMERA_STATE"), O_RDONLY);
    char said = 'u';
    if (file >= 0) {
        if (read(file, &said, 1) != 1) said = 'u';
        close(file);
    }
    return said;
}

static int refuse(int reason) {
    errno = reason;
    return -1;
}

static int open_camera(void) {
    char now = state();
    if (now == 'u') return refuse(ENOENT);
    if (now == 'b') return refuse(EBUSY);
    camera = memfd_create("camera", 0);
    if (camera >= 0 && ftruncate(camera, (off_t)BUFFERS * LARGEST)) return refuse(ENOMEM);
    next_buffer = 0;
    return camera;
}

static size_t take_picture(void) {
    if (format.pixelformat == V4L2_PIX_FMT_MJPEG) {
        FILE *file = fopen(getenv("FAKE_CAMERA_JPEG"), "rb");
        size_t size = file ? fread(picture, 1, LARGEST, file) : 0;
        if (file) fclose(file);
        return size;
    }
    size_t size = (size_t)format.width * format.height * 2;
    for (size_t at = 0; at < size; at += 2) {
        picture[at] = (unsigned char)(40 + 4 * frames % 160); /* luminance */
        picture[at + 1] = 128;                               /* no colour */
    }
    return size;
}

static int dequeue(struct v4l2_buffer *buffer) {
    do usleep(20000);
    while (state() == 'h');
    if (state() != 'r') return refuse(ENODEV);
    frames++;
    size_t size = take_picture();
    buffer->index = (unsigned)(next_buffer++ % BUFFERS);
    buffer->length = LARGEST;
    buffer->bytesused = (unsigned)size;
    buffer->flags = V4L2_BUF_FLAG_DONE;
    return pwrite(camera, picture, size, (off_t)buffer->index * LARGEST) == (ssize_t)size ? 0 : refuse(EIO);
}

static void settle(struct v4l2_pix_format *wanted) {
    int large = wanted->width >= 1280;
    format.width = large ? 1280 : 640;
    format.height = large ? 720 : 480;
    format.pixelformat = wanted->pixelformat == V4L2_PIX_FMT_MJPEG ? V4L2_PIX_FMT_MJPEG : V4L2_PIX_FMT_YUYV;
    format.bytesperline = format.width * 2;
    format.sizeimage = LARGEST;
    format.field = V4L2_FIELD_NONE;
    *wanted = format;
}

static int answer(unsigned long request, void *argument) {
    if (state() == 'u') return refuse(ENODEV);
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *said = argument;
        memset(said, 0, sizeof *said);
        strcpy((char *)said->card, "Fake camera");
        said->capabilities = said->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    case VIDIOC_G_FMT:
        settle(&format);
        ((struct v4l2_format *)argument)->fmt.pix = format;
        return 0;
    case VIDIOC_S_FMT:
        settle(&((struct v4l2_format *)argument)->fmt.pix);
        return 0;
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
        struct v4l2_captureparm *said = &((struct v4l2_streamparm *)argument)->parm.capture;
        said->capability = V4L2_CAP_TIMEPERFRAME;
        said->timeperframe.numerator = 1;
        said->timeperframe.denominator = 30;
        return 0;
    }
    case VIDIOC_REQBUFS:
        if (((struct v4l2_requestbuffers *)argument)->count > BUFFERS)
            ((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
        return 0;
    case VIDIOC_QUERYBUF:
        ((struct v4l2_buffer *)argument)->length = LARGEST;
        ((struct v4l2_buffer *)argument)->m.offset = ((struct v4l2_buffer *)argument)->index * LARGEST;
        return 0;
    case VIDIOC_QBUF:
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
    case VIDIOC_S_INPUT:
        return 0;
    case VIDIOC_DQBUF:
        return dequeue(argument);
    default:
        return refuse(ENOTTY);
    }
}

static int open_path(const char *name, const char *path, int flags, mode_t mode) {
    if (strcmp(path, DEVICE) == 0) return open_camera();
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    return real(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_path("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_path("open64", path, flags, mode);
}

int ioctl(int file, unsigned long request, ...) {
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (file >= 0 && file == camera) return answer(request & 0xffffffffUL, argument);
    int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    return real(file, request, argument);
}
