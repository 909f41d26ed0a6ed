// Whoever closes what a button has opened goes on at that button, also where a press gives buttons no focus.
import { expect, open, test, withoutFocusForButtons } from "../support/test.ts";

for (const [who, focusless] of [["as most browsers do", false], ["without focus for the button", true]] as const) {
  test(`a closed question returns the focus to its button, ${who}`, async ({ as }) => {
    const page = await as("admin");
    if (focusless) await withoutFocusForButtons(page);
    for (const [path, name] of [["/w/acme/routes/billing", "Delete route"], ["/w/acme/keys", "Delete default"]] as const) {
      await open(page, path);
      const trigger = page.getByRole("button", { name });
      const dialog = page.getByRole("dialog");
      await trigger.click();
      await expect(dialog).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(trigger, path).toBeFocused();
      await trigger.click();
      await dialog.getByRole("link", { name: "Cancel" }).click();
      await expect(dialog).toHaveCount(0);
      await expect(trigger, path).toBeFocused();
    }
  });

  test(`the closed drawer returns the focus to its button, ${who}`, async ({ as }) => {
    const page = await as("admin");
    if (focusless) await withoutFocusForButtons(page);
    await page.setViewportSize({ width: 390, height: 844 });
    await open(page, "/w/acme");
    const menu = page.getByRole("button", { name: "Menu" });
    await menu.click();
    await expect(page.locator("#navigation:popover-open")).toBeVisible();
    await page.keyboard.press("Tab");
    await expect(page.locator("#navigation :focus")).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.locator("#navigation:popover-open")).toHaveCount(0);
    await expect(menu).toBeFocused();
  });
}
