// Everything here makes a page nicer that works without it. Each piece is an element that looks after itself, so that
// it goes on working when live.js puts a newer version of a part of the page in place.
import "./times.js";
import "./copy.js";
import "./live.js";
import "./filter.js";
import "./older.js";
import "./picking.js";
import "./fresh.js";
import "./menu.js";
import "./editor.js";
import "./picker.js";
import "./new.js";
