import "django-chat-sessions/ui.css";
import "django-chat-sessions/markdown.css";
import "./gallery.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Gallery } from "./Gallery";

const place = document.querySelector<HTMLElement>("[data-xp-gallery]");
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <Gallery />
    </StrictMode>,
  );
}
