// What shows the sky: OpenSeadragon over deep-zoom tiles, or one reduced image where it is missing.
// Both speak of view pixels (centers at whole numbers) and of screen pixels from the page's corner.
const View = (() => {
  "use strict";
  const MOST_ZOOM = 16; // screen pixels to a view pixel
  const SQUARES = 4; // from this zoom on pixels are shown as squares

  /** Tiles; `on` has `moved()`, `rested()`, `clicked(x, y, touch)` and `failed(url)`. */
  function tiled(element, plan, on) {
    const OSD = window.OpenSeadragon;
    // The map has the shape of the view, and is as large whatever the window.
    const map = document.getElementById("map"), longest = Math.max(plan.width, plan.height);
    map.style.width = `${(132 * plan.width) / longest}px`;
    map.style.height = `${(132 * plan.height) / longest}px`;
    map.hidden = false;
    const viewer = OSD({
      element,
      drawer: "canvas",
      tileSources: {
        Image: {
          xmlns: "http://schemas.microsoft.com/deepzoom/2008",
          Url: plan.tiles.folder,
          Format: plan.tiles.format,
          Overlap: String(plan.tiles.overlap),
          TileSize: String(plan.tiles.size),
          Size: { Width: String(plan.width), Height: String(plan.height) },
        },
      },
      showNavigationControl: false,
      showNavigator: true,
      navigatorId: "map",
      navigatorDisplayRegionColor: "#f2b661",
      keyboardNavEnabled: false,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true, pinchRotate: false },
      gestureSettingsPen: { clickToZoom: false, dblClickToZoom: true },
      animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
      blendTime: 0,
      smoothTileEdgesMinZoom: Infinity,
      maxZoomPixelRatio: MOST_ZOOM,
      minZoomImageRatio: 0.7,
      visibilityRatio: 0.6,
      zoomPerScroll: 1.3,
      imageLoaderLimit: 8,
      maxImageCacheCount: 300,
    });
    const port = () => viewer.viewport;
    const ratio = () => viewer.world.getItemAt(0);

    // Where tiles begin and end between screen pixels, two half-covered edges let the page through
    // as a line. OpenSeadragon's remedy is tiles that are a pixel too large, which blurs them; here
    // their edges are moved to whole pixels instead, each to the same as its neighbor's.
    viewer.drawer.minimumOverlapRequired = () => false;
    viewer.addHandler("tile-drawing", ({ context, tile }) => {
      const density = OSD.pixelDensityRatio;
      // An edge at half a pixel must not be rounded up for one tile and down for the other.
      const whole = (value) => Math.round(value - 1e-3);
      const x = tile.position.x * density, width = tile.size.x * density;
      const y = tile.position.y * density, height = tile.size.y * density;
      const left = whole(x), right = whole(x + width), top = whole(y), bottom = whole(y + height);
      const across = (right - left) / width, down = (bottom - top) / height;
      context.transform(across, 0, 0, down, left - across * x, top - down * y);
    });
    const zoom = () => (ratio() ? ratio().viewportToImageZoom(port().getZoom(true)) : 0);
    let smooth = true;
    viewer.addHandler("update-viewport", () => {
      if (smooth !== zoom() < SQUARES) {
        smooth = !smooth;
        viewer.drawer.setImageSmoothingEnabled(smooth);
      }
      on.moved();
    });
    viewer.addHandler("animation-finish", on.rested);
    viewer.addHandler("tile-load-failed", ({ tile }) => on.failed(tile.getUrl()));
    viewer.addHandler("canvas-click", (event) => {
      if (!event.quick) return;
      event.preventDefaultAction = true;
      const { x, y } = event.position;
      on.clicked(...toView(x, y), event.pointerType !== "mouse");
    });

    function toView(x, y) {
      const point = ratio().viewerElementToImageCoordinates(new OSD.Point(x, y));
      return [point.x - 0.5, point.y - 0.5];
    }
    function toScreen(x, y) {
      const point = ratio().imageToViewerElementCoordinates(new OSD.Point(x + 0.5, y + 0.5));
      return [point.x, point.y];
    }
    function fill() {
      const zoom = Math.max(innerWidth / plan.width, innerHeight / plan.height);
      go(plan.width / 2 - 0.5, plan.height / 2 - 0.5, zoom, true);
    }
    function go(x, y, scale, now = false) {
      const center = ratio().imageToViewportCoordinates(x + 0.5, y + 0.5);
      port().zoomTo(ratio().imageToViewportZoom(scale), null, now);
      port().panTo(center, now);
      port().applyConstraints(now);
    }
    return {
      toView, toScreen, zoom, go,
      // At first the sky fills the window.
      ready: (then) => viewer.addOnceHandler("open", () => { fill(); then(); }),
      zoomBy: (factor) => { port().zoomBy(factor); port().applyConstraints(); },
      panBy: (dx, dy) => {
        port().panBy(port().deltaPointsFromPixels(new OSD.Point(dx, dy)));
        port().applyConstraints();
      },
      whole: () => port().goHome(),
      zooms: true,
    };
  }

  /** One image that fills the window as far as it goes. */
  function plain(element, plan, on) {
    const image = new Image();
    image.alt = "The whole view, reduced";
    image.src = plan.reduced;
    image.draggable = false;
    element.append(image);
    let scale = 1, left = 0, top = 0;
    function fit() {
      scale = Math.min(element.clientWidth / plan.width, element.clientHeight / plan.height);
      left = (element.clientWidth - scale * plan.width) / 2;
      top = (element.clientHeight - scale * plan.height) / 2;
      Object.assign(image.style, {
        left: `${left}px`, top: `${top}px`,
        width: `${scale * plan.width}px`, height: `${scale * plan.height}px`,
      });
      on.moved();
    }
    const toView = (x, y) => [(x - left) / scale - 0.5, (y - top) / scale - 0.5];
    image.addEventListener("error", () => on.failed(plan.reduced));
    element.addEventListener("click", (event) => {
      on.clicked(...toView(event.clientX, event.clientY), event.pointerType === "touch");
    });
    new ResizeObserver(fit).observe(element);
    const nothing = () => {};
    return {
      toView,
      toScreen: (x, y) => [(x + 0.5) * scale + left, (y + 0.5) * scale + top],
      zoom: () => scale,
      go: nothing, zoomBy: nothing, panBy: nothing, whole: nothing,
      ready: (then) => requestAnimationFrame(() => { fit(); then(); }),
      zooms: false,
    };
  }

  return { tiled, plain, MOST_ZOOM };
})();
