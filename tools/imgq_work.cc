// Options of the subcommands that make jobs: run and submit.
#include <CLI/CLI.hpp>
#include <memory>

#include "src/cli/submit.h"
#include "src/run/run.h"
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

constexpr const char* kAnchors =
    "WHERE:centre north north-east east south-east south south-west west north-west attention "
    "entropy";

void add_request(CLI::App& command, cli::RequestOptions& request) {
  const auto add = [&command](const char* names, std::string& into, const char* value,
                              const char* text) {
    command.add_option(names, into, text)->type_name(value)->group("The result");
  };
  const auto flag = [&command](const char* names, bool& into, const char* text) {
    command.add_flag(names, into, text)->group("The result");
  };
  add("-s,--size", request.size, "SIZE",
      "WIDTHxHEIGHT in pixels, WIDTHx or xHEIGHT; several with commas make one result each, named "
      "320w, 240h or 320x240 [500x500]");
  add("-p,--preset", request.preset, "NAME", "a set of results from the configuration");
  flag("--fit", request.fit, "whole image inside the size, ratio kept [default]");
  flag("--fill", request.fill, "cover the size exactly and cut off what is over");
  flag("--force", request.force, "the size exactly, ratio not kept");
  add("--mode", request.mode, "MODE:fit fill force", "fit, fill or force, by word");
  add("--anchor", request.anchor, kAnchors,
      "what fill keeps: centre, north, north-east, ..., attention (where people look) or entropy");
  add("--focus", request.focus, "X,Y", "the point that fill keeps, each from 0 to 1");
  flag("--enlarge", request.enlarge, "make small images larger, too");
  add("-f,--format", request.format, "FORMAT:jpeg png webp avif auto keep",
      "jpeg, png, webp, avif, auto (keeps transparency) or keep (as the source) [jpeg]");
  add("--quality", request.quality, "N", "1 to 100 [jpeg 80, webp 75, avif 50]");
  flag("--progressive", request.progressive, "progressive JPEG, interlaced PNG");
  add("--chroma", request.chroma, "420|444:420 444", "colour detail of JPEG and AVIF [420]");
  add("--max-bytes", request.max_bytes, "SIZE",
      "the best quality whose file is no larger, as in 200KiB");
  add("--background", request.background, "COLOUR",
      "under transparency, as in ffffff or white [white]");
  add("--sharpen", request.sharpen, "SIGMA", "sharpen, 0 to 10; try 0.5");
  flag("--keep-copyright", request.keep_copyright,
       "keep author and copyright; all other metadata goes always");
  flag("--lenient", request.lenient, "accept images that end too early");
}

void add_files(CLI::App& command, cli::FileOptions& files, const char* what) {
  command.add_option("FILE", files.names, what)->type_name("FILE:@file");
  command
      .add_option("--files-from", files.files_from,
                  "also the files listed in FILE, one a line; - "
                  "is stdin")
      ->type_name("FILE:@file")
      ->group("The images");
  command.add_flag("-0,--null", files.null_separated, "the list is separated by NUL instead")
      ->group("The images");
  command
      .add_option("--exclude", files.exclude,
                  "leave out what is named so, or lies so below the directory; a folder with all "
                  "that is in it; may be repeated")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("The images");
}

void add_output(CLI::App& command, cli::RunOptions& options, Globals& globals) {
  command
      .add_option("-o,--output", options.output,
                  "where the results go; small.jpg is the file for one, - is stdout [thumbs]")
      ->type_name("DIR:@file")
      ->group("Output");
  command
      .add_flag("--overwrite", options.overwrite,
                "replace files that imgq has not made of the same image")
      ->group("Output");
  command
      .add_option("--manifest", options.manifest,
                  "write a JSON file about all results, with srcset; - is stdout")
      ->type_name("FILE:@file")
      ->group("Output");
  command
      .add_flag("--prune", options.prune, "remove what imgq has made of images that are gone since")
      ->group("Output");
  command.add_flag("--print", options.print, "print the results' paths")->group("Output");
  command.add_flag("--print0", options.print0, "the same, each followed by NUL")->group("Output");
  command.add_flag("--json", globals.json, "print an object for each image, one a line")
      ->group("Output");
}

void add_work(CLI::App& command, cli::RunOptions& options) {
  command.add_option("--workers", options.workers, "worker processes [one for each CPU]")
      ->type_name("N")
      ->group("The work");
  command
      .add_option("--sync", options.sync,
                  "how the work survives a power cut: full, batch or none [batch]")
      ->type_name("WHEN:full batch none")
      ->group("The work");
  command
      .add_flag("--retry-failed", options.retry_failed,
                "try also what is known to be bad and has not changed since")
      ->group("The work");
  command
      .add_flag("-n,--dry-run", options.dry_run,
                "only print what would be made, and what --prune would remove")
      ->group("The work");
  command.add_flag("--strict", options.strict, "no image at all is an error")->group("The work");
}

void define_run(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::RunOptions>();
  CLI::App* command = app.add_subcommand("run", "make thumbnails here and now, without a daemon");
  command->footer(
      "imgq run -o thumbs photos/  # every image below photos/\n"
      "imgq run -o web --size 320x,640x,1280x *.jpg  # three widths each\n"
      "imgq run -o web --fill --size 200x200 --manifest web.json *.jpg\n"
      "find . -name '*.png' -print0 | imgq run -0 --files-from - -o out\n"
      "imgq run -o - - <photo.jpg >small.jpg  # as a filter\n"
      "\n"
      "What is up to date is left alone, and a run that was interrupted goes on where it was, by "
      "the same command. Images below a directory keep their folders; thumbnails that imgq "
      "has made of them are left out, and of a list all that imgq has made. Results are named as "
      "their source: photo.jpg, or photo.NAME.jpg when there are several; sources that differ only "
      "in extension keep it (photo.png.jpg), and those of one name are numbered (photo.jpg-2.jpg). "
      "What imgq has made stands in DIR/.imgq/done.\n\n"
      "Exit status: 0 all well; 1 some failed; 65 all failed on their data; 66 nothing could be "
      "read; 75 no room; 130 interrupted.");
  add_files(*command, options->files,
            "an image, or a directory with images below it; - is an image on stdin");
  command
      ->add_option("--root", options->files.root,
                   "keep the folders of the listed files below DIR, as those below a directory")
      ->type_name("DIR:@dir")
      ->group("The images");
  add_output(*command, *options, globals);
  add_request(*command, options->request);
  add_work(*command, *options);
  commands["run"] = [options](const cli::Session& session) {
    return cli::run_command(session, *options);
  };
}

void define_submit(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::SubmitOptions>();
  CLI::App* command = app.add_subcommand("submit", "bring images into the spool; prints their ids");
  command->footer(
      "imgq submit photo.jpg  # prints the job's id\n"
      "imgq submit --preset web *.jpg | imgq wait  # and wait for them\n"
      "imgq submit --size 200x200 --fill --wait a.png b.webp\n"
      "curl -s https://example.org/a.jpg | imgq submit --name a.jpg -\n"
      "\n"
      "An id is printed when its job would survive a power cut, and not before: one line each, in "
      "the order of the arguments. - is an image on stdin; a file of that name is ./-. A file that "
      "cannot be submitted is told of on stderr, the others are submitted.\n\n"
      "Exit status: 0 all submitted; 1 some; 66 or 65 none could be read or had content; 69 no "
      "spool; 75 no room.");
  add_files(*command, options->files, "an image; - is an image on stdin");
  command->add_flag("-r,--recursive", options->files.recursive, "all images below directories")
      ->group("The images");
  command->add_option("--name", options->name, "name of the image on stdin [stdin]")
      ->type_name("NAME")
      ->group("The images");
  command
      ->add_flag("--link", options->link,
                 "link instead of copying; the file must not be written to any more")
      ->group("The images");
  add_request(*command, options->request);
  command
      ->add_option("--key", options->key, "idempotency key: the same key again gives the same job")
      ->type_name("KEY")
      ->group("The job");
  command
      ->add_flag("--dedupe", options->dedupe,
                 "the same content with the same request gives the same job")
      ->group("The job");
  command->add_flag("--hold", options->hold, "wait for 'imgq release'; --wait then needs --timeout")
      ->group("The job");
  command->add_flag("-w,--wait", options->wait, "wait until all have ended")->group("The job");
  command->add_option("--timeout", options->timeout, "wait at most so long, as in 30s or 5min")
      ->type_name("DURATION")
      ->group("The job");
  command->add_flag("--json", globals.json, "print an object for each, one a line")
      ->group("Output");
  command->add_flag("--print0", options->print0, "each id is followed by NUL")->group("Output");
  commands["submit"] = [options](const cli::Session& session) {
    return cli::submit_command(session, *options);
  };
}

}  // namespace

void define_work_commands(CLI::App& app, Globals& globals, Commands& commands) {
  define_run(app, globals, commands);
  define_submit(app, globals, commands);
}

}  // namespace imgq::tools
