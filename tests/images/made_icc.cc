#include <lcms2.h>

#include <memory>
#include <stdexcept>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

struct Close {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, Close>;

Bytes saved(const Profile& profile) {
  cmsUInt32Number size = 0;
  if (!profile || cmsSaveProfileToMem(profile.get(), nullptr, &size) == 0) {
    throw std::runtime_error("lcms made no profile");
  }
  Bytes out(size);
  cmsSaveProfileToMem(profile.get(), out.data(), &size);
  return out;
}

constexpr cmsCIExyY kD65{0.3127, 0.3290, 1};

cmsToneCurve* srgb_curve() {
  const cmsFloat64Number parameters[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  return cmsBuildParametricToneCurve(nullptr, 4, parameters);
}

Bytes rgb(const cmsCIExyYTRIPLE& primaries, cmsToneCurve* curve) {
  cmsToneCurve* curves[3] = {curve, curve, curve};
  const Profile profile(cmsCreateRGBProfile(&kD65, &primaries, curves));
  cmsFreeToneCurve(curve);
  return saved(profile);
}

// Four inks that each take away their own light, or three lights that change places; in Lab.
struct Inks {
  cmsHTRANSFORM to_lab;
  unsigned bands;
};
int light_of(const cmsUInt16Number in[], cmsUInt16Number out[], void* context) {
  const auto* inks = static_cast<const Inks*>(context);
  double light[3];
  for (int i = 0; i < 3; ++i) {
    light[i] = inks->bands == 4 ? (1 - in[i] / 65535.0) * (1 - in[3] / 65535.0)
                                : in[(i + 1) % 3] / 65535.0;
  }
  cmsCIELab lab;
  cmsDoTransform(inks->to_lab, light, &lab, 1);
  cmsFloat2LabEncodedV2(out, &lab);
  return 1;
}

Bytes by_tables(cmsColorSpaceSignature space, unsigned bands,
                const std::vector<std::string>& tables) {
  const Profile light(cmsCreate_sRGBProfile()), lab(cmsCreateLab4Profile(nullptr));
  Inks inks{cmsCreateTransform(light.get(), TYPE_RGB_DBL, lab.get(), TYPE_Lab_DBL,
                               INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE),
            bands};
  const Profile profile(cmsCreateProfilePlaceholder(nullptr));
  cmsSetProfileVersion(profile.get(), 2.1);
  cmsSetDeviceClass(profile.get(), cmsSigOutputClass);
  cmsSetColorSpace(profile.get(), space);
  cmsSetPCS(profile.get(), cmsSigLabData);
  cmsWriteTag(profile.get(), cmsSigMediaWhitePointTag, cmsD50_XYZ());
  cmsPipeline* pipeline = cmsPipelineAlloc(nullptr, bands, 3);
  cmsStage* table = cmsStageAllocCLut16bit(nullptr, 17, bands, 3, nullptr);
  cmsStageSampleCLut16bit(table, light_of, &inks, 0);
  cmsPipelineInsertStage(pipeline, cmsAT_END, table);
  for (const std::string& name : tables) {
    uint32_t tag = 0;
    for (const char c : name) tag = tag << 8 | static_cast<uint8_t>(c);
    cmsWriteTag(profile.get(), static_cast<cmsTagSignature>(tag), pipeline);
  }
  Bytes out = saved(profile);
  cmsPipelineFree(pipeline);
  cmsDeleteTransform(inks.to_lab);
  return out;
}

}  // namespace

Bytes display_p3() {
  return rgb({{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}}, srgb_curve());
}

Bytes adobe_rgb() {
  return rgb({{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}},
             cmsBuildGamma(nullptr, 563.0 / 256));
}

Bytes srgb() { return saved(Profile(cmsCreate_sRGBProfile())); }

Bytes grey_gamma(double gamma) {
  cmsToneCurve* curve = cmsBuildGamma(nullptr, gamma);
  const Profile profile(cmsCreateGrayProfile(cmsD50_xyY(), curve));
  cmsFreeToneCurve(curve);
  return saved(profile);
}

Bytes simple_cmyk(const std::vector<std::string>& tables) {
  return by_tables(cmsSigCmykData, 4, tables);
}

Bytes rotated_rgb(const std::vector<std::string>& tables) {
  return by_tables(cmsSigRgbData, 3, tables);
}

}  // namespace imgq::made
