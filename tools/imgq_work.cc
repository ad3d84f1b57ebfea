// The commands that make jobs: run and submit.
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

// `run` names a watermark by its file, a job by its name.
Group request_group(cli::RequestOptions& o, cli::RunOptions* run = nullptr) {
  Group result{
      "The result",
      {{"-s,--size", &o.size,
        "WIDTHxHEIGHT in pixels, WIDTHx or xHEIGHT; several with commas make one result each, "
        "named 320w, 240h or 320x240 [500x500]",
        "SIZE"},
       {"-p,--preset", &o.preset, "a set of results from the configuration", "NAME"},
       {"--fit", &o.fit, "whole image inside the size, ratio kept [default]"},
       {"--fill", &o.fill, "cover the size exactly and cut off what is over"},
       {"--force", &o.force, "the size exactly, ratio not kept"},
       {"--pad", &o.pad, "as --fit, then filled up to the size exactly"}}};
  for (const RenditionField& field : kRenditionFields) {
    if (field.option.empty() || (run != nullptr && field.name == "watermark")) continue;
    const std::string name(field.name);
    Option option{std::string(field.option), &o.fields[name], help_of(field),
                  std::string(field.value), field.words == nullptr ? "" : field.words()};
    if (field.value.empty()) option.into = &o.switches[name];
    result.options.push_back(std::move(option));
  }
  if (run != nullptr) {
    result.options.insert(
        result.options.end(),
        {{"--watermark", &run->watermark,
          "a picture laid over each, made smaller where it is larger", "FILE", "@file"},
         {"--watermark-place", &run->watermark_place,
          "where it lies: centre, north, north-east, ... [south-east]", "WHERE",
          "centre north north-east east south-east south south-west west north-west"},
         {"--watermark-opacity", &run->watermark_opacity, "how much it covers, 1 to 100 [100]",
          "PERCENT"}});
  }
  result.options.push_back({"--lenient", &o.lenient, "accept images that end too early"});
  return result;
}

Group images_group(cli::FileOptions& o, std::vector<Option> more) {
  Group images{
      "The images",
      {{"--files-from", &o.files_from, "also the files listed in FILE, one a line; - is stdin",
        "FILE", "@file"},
       {"-0,--null", &o.null_separated, "the list is separated by NUL instead"},
       {"--exclude", &o.exclude,
        "leave out what is named so, or lies so below the directory; a folder with all that is in "
        "it; may be repeated",
        "GLOB"}}};
  images.options.insert(images.options.end(), more.begin(), more.end());
  return images;
}

Command run_command(Options& all) {
  cli::RunOptions& o = all.run;
  return {
      "run",
      "make thumbnails here and now, without a daemon",
      "imgq run -o thumbs photos/  # every image below photos/\n"
      "imgq run -o web --size 320x,640x,1280x *.jpg  # three widths each\n"
      "imgq run -o web --fill --size 200x200 --manifest web.json *.jpg\n"
      "find . -name '*.png' -print0 | imgq run -0 --files-from - -o out\n"
      "imgq run -o - - <photo.jpg >small.jpg  # as a filter",
      "What is up to date is left alone, and a run that was interrupted goes on where it was, by "
      "the same command. Images below a directory keep their folders; thumbnails that imgq "
      "has made of them are left out, and of a list all that imgq has made. Results are named as "
      "their source: photo.jpg, or photo.NAME.jpg when there are several; sources that differ only "
      "in extension keep it (photo.png.jpg), and those of one name are numbered (photo.jpg-2.jpg). "
      "What imgq has made stands in DIR/.imgq/done.\n\n"
      "Exit status: 0 all well; 1 some failed; 65 all failed on their data; 66 nothing could be "
      "read; 75 no room; 130 interrupted.",
      {images_group(o.files, {{"--root", &o.files.root,
                               "keep the folders of the listed files below DIR, as those below a "
                               "directory",
                               "DIR", "@dir"}}),
       {"Output",
        {{"-o,--output", &o.output,
          "where the results go; small.jpg is the file for one, - is stdout [thumbs]", "DIR",
          "@file"},
         {"--overwrite", &o.overwrite, "replace files that imgq has not made of the same image"},
         {"--manifest", &o.manifest,
          "write a JSON file about all results, with srcset; - is stdout", "FILE", "@file"},
         {"--prune", &o.prune, "remove what imgq has made of images that are gone since"},
         {"--print", &o.print, "print the results' paths"},
         {"--print0", &o.print0, "the same, each followed by NUL"},
         json_option(all, "print an object for each image, one a line")}},
       request_group(o.request, &o),
       {"The work",
        {{"--workers", &o.workers, "worker processes [one for each CPU]", "N"},
         {"--sync", &o.sync,
          "sync results before they get their names: full, batch or none [batch]", "WHEN",
          "full batch none"},
         {"--shard", &o.shard,
          "make one part of N, counted from 0, beside the runs that make the others; slurm: this "
          "array task's; k8s/N: this pod's of an indexed Job",
          "I/N|slurm|k8s/N", "slurm"},
         {"--retry-failed", &o.retry_failed,
          "try also what is known to be bad and has not changed since"},
         {"-n,--dry-run", &o.dry_run,
          "only print what would be made, and what --prune would remove"},
         {"--strict", &o.strict, "no image at all is an error"}}}},
      {"FILE", "an image, or a directory with images below it; - is an image on stdin",
       &o.files.names, "@file"},
      [&o](const cli::Session& session) { return cli::run_command(session, o); },
  };
}

Command submit_command(Options& all) {
  cli::SubmitOptions& o = all.submit;
  return {
      "submit",
      "bring images into the spool; prints their ids",
      "imgq submit photo.jpg  # prints the job's id\n"
      "imgq submit --preset web *.jpg | imgq wait  # and wait for them\n"
      "imgq submit --size 200x200 --fill --wait a.png b.webp\n"
      "curl -s https://example.org/a.jpg | imgq submit --name a.jpg -",
      "An id is printed when its job would survive a power cut, and not before: one line each, in "
      "the order of the arguments. - is an image on stdin; a file of that name is ./-. A file that "
      "cannot be submitted is told of on stderr, the others are submitted.\n\n"
      "Exit status: 0 all submitted; 1 some; 66 or 65 none could be read or had content; 69 no "
      "spool; 75 no room.",
      {images_group(o.files,
                    {{"-r,--recursive", &o.files.recursive, "all images below directories"},
                     {"--name", &o.name, "name of the image on stdin [stdin]", "NAME"},
                     {"--link", &o.link,
                      "link instead of copying; the file must not be written to any more"}}),
       request_group(o.request),
       {"The job",
        {{"--key", &o.key, "idempotency key: the same key again gives the same job", "KEY"},
         {"--dedupe", &o.dedupe, "the same content with the same request gives the same job"},
         {"--hold", &o.hold, "wait for 'imgq release'; --wait then needs --timeout"},
         {"-w,--wait", &o.wait, "wait until all have ended"},
         {"--timeout", &o.timeout, "wait at most so long, as in 30s or 5min", "DURATION"}}},
       {"Output",
        {json_option(all, "print an object for each, one a line"),
         {"--print0", &o.print0, "each id is followed by NUL"}}}},
      {"FILE", "an image; - is an image on stdin", &o.files.names, "@file"},
      [&o](const cli::Session& session) { return cli::submit_command(session, o); },
  };
}

}  // namespace

std::vector<Command> work_commands(Options& options) {
  return {run_command(options), submit_command(options)};
}

}  // namespace imgq::tools
