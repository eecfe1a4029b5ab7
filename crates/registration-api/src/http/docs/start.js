"use strict";
// In the order in which they are used.
const steps = ["register", "activate", "resend_code"];
const step = (operation) => steps.indexOf(operation.getIn(["operation", "operationId"]));

// Swagger UI has dark colours of its own, for those who ask for them by this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  operationsSorter: (one, other) => step(one) - step(other),
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
