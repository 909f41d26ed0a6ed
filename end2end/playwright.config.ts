// Browser tests of the console. `cargo xtask test browser` builds what they need and says where Chromium is.
import { defineConfig } from "@playwright/test";

const executablePath = process.env["KNOXCALL_CHROMIUM"];

export default defineConfig({
  testDir: "tests",
  timeout: 60_000,
  expect: { timeout: 10_000 },
  workers: process.env["CI"] ? 2 : undefined,
  forbidOnly: true,
  reporter: [["list"]],
  snapshotPathTemplate: "{testDir}/../pictures/{platform}/{arg}{ext}",
  use: {
    trace: "retain-on-failure",
    viewport: { width: 1280, height: 900 },
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-quic",
      ],
    },
  },
  projects: [
    { name: "browser", testIgnore: /no-javascript/ },
    { name: "no-javascript", testMatch: /no-javascript/, use: { javaScriptEnabled: false } },
  ],
});
