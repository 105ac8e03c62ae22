// Pixels to the sky and back by the gnomonic projection, and how positions and angles are written.
// A pixel's center is a whole number; cards of the header count from 1.
const Coordinates = (() => {
  "use strict";
  const RAD = Math.PI / 180;

  /** Right ascension and declination of a pixel, in degrees (Calabretta & Greisen 2002, TAN). */
  function toSky(wcs, x, y) {
    const dx = x + 1 - wcs.crpix[0], dy = y + 1 - wcs.crpix[1];
    const xi = (wcs.cd[0][0] * dx + wcs.cd[0][1] * dy) * RAD;
    const eta = (wcs.cd[1][0] * dx + wcs.cd[1][1] * dy) * RAD;
    const dec0 = wcs.crval[1] * RAD, sin0 = Math.sin(dec0), cos0 = Math.cos(dec0);
    const along = cos0 - eta * sin0;
    const ra = wcs.crval[0] + Math.atan2(xi, along) / RAD;
    const dec = Math.atan2(sin0 + eta * cos0, Math.hypot(xi, along)) / RAD;
    return [((ra % 360) + 360) % 360, dec];
  }

  /** Pixel of a position in degrees, or null on the half of the sky that TAN does not show. */
  function toPixel(wcs, ra, dec) {
    const d = dec * RAD, d0 = wcs.crval[1] * RAD, da = (ra - wcs.crval[0]) * RAD;
    const depth = Math.sin(d) * Math.sin(d0) + Math.cos(d) * Math.cos(d0) * Math.cos(da);
    if (depth <= 0) return null;
    const xi = Math.cos(d) * Math.sin(da) / depth / RAD;
    const up = Math.sin(d) * Math.cos(d0) - Math.cos(d) * Math.sin(d0) * Math.cos(da);
    const eta = up / depth / RAD;
    const [[a, b], [c, e]] = wcs.cd, det = a * e - b * c;
    return [
      (e * xi - b * eta) / det + wcs.crpix[0] - 1,
      (a * eta - c * xi) / det + wcs.crpix[1] - 1,
    ];
  }

  /** A number as 00:00:00.0, rounded once, so that no part shows 60. */
  function sexagesimal(value, digits, marks) {
    const unit = 10 ** digits;
    const total = Math.round(Math.abs(value) * 3600 * unit);
    const seconds = (total % (60 * unit)) / unit;
    const minutes = Math.floor(total / (60 * unit)) % 60;
    const whole = Math.floor(total / (3600 * unit));
    const width = digits ? 3 + digits : 2;
    return (
      String(whole).padStart(2, "0") + marks[0] + String(minutes).padStart(2, "0") + marks[1] +
      seconds.toFixed(digits).padStart(width, "0") + marks[2]
    );
  }

  /** Right ascension and declination as text; `step` is what a pixel spans, in arcseconds. */
  function skyText([ra, dec], step) {
    const digits = Math.min(4, Math.max(0, Math.ceil(-Math.log10(step) - 1e-6)));
    const day = 24 * 3600 * 10 ** (digits + 1);
    const hours = (Math.round((ra / 15) * 3600 * 10 ** (digits + 1)) % day) / (day / 24);
    const sign = dec < 0 ? "−" : "+";
    return [
      sexagesimal(hours, digits + 1, ["h ", "m ", "s"]),
      sign + sexagesimal(dec, digits, ["° ", "′ ", "″"]),
    ];
  }

  /** A position typed as "12h 34m 5.6s +7° 8′ 9″", "12:34:5.6 +7:8:9", or null. */
  function parseSky(text) {
    const parts = text.trim().replace(/−/g, "-").match(
      /^(\d+)[h:\s]\s*(\d+)[m:\s]\s*([\d.]+)s?[\s,]+([+-]?)(\d+)[°d:\s]\s*(\d+)[′'m:\s]\s*([\d.]+)[″"s]?$/,
    );
    if (!parts) return null;
    const [h, m, s] = parts.slice(1, 4).map(Number), [d, dm, ds] = parts.slice(5, 8).map(Number);
    if (h >= 24 || m >= 60 || s >= 60 || dm >= 60 || ds >= 60 || d > 90) return null;
    return [15 * (h + m / 60 + s / 3600), (parts[4] === "-" ? -1 : 1) * (d + dm / 60 + ds / 3600)];
  }

  /** An angle in arcseconds, as a person says it. */
  function angleText(arcseconds) {
    const whole = (value) => String(Number(value.toPrecision(3)));
    if (arcseconds >= 3600) return `${whole(arcseconds / 3600)}°`;
    if (arcseconds >= 60) return `${whole(arcseconds / 60)}′`;
    return `${whole(arcseconds)}″`;
  }

  const STEPS = [1, 2, 5, 10, 20, 30].flatMap((n) => [n, n * 60]).concat([3600, 7200, 18000]);

  /** A round length not above `most` view pixels: its pixels and its text. */
  function scaleBar(most, step) {
    if (step !== null) {
      const fit = STEPS.filter((angle) => angle <= most * step);
      if (fit.length) {
        const angle = Math.max(...fit);
        return { pixels: angle / step, text: angleText(angle) };
      }
    }
    const span = step === null ? most : most * step;
    const decade = 10 ** Math.floor(Math.log10(span));
    const value = [5, 2, 1].find((n) => n * decade <= span) * decade;
    if (step === null) return { pixels: value, text: `${Number(value.toPrecision(3))} px` };
    return { pixels: value / step, text: angleText(value) };
  }

  return { toSky, toPixel, skyText, parseSky, angleText, scaleBar };
})();
